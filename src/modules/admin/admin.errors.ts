import { defineError } from '../../core/errors/domain-error.js';

export const DeadLetterNotFound = defineError('dead_letter.not_found', 'not-found', 'There is no such dead letter.');
export const DeadLetterFailed = defineError(
  'dead_letter.failed_again',
  'conflict',
  'The dead letter was tried again and failed; the list has the reason.',
);
