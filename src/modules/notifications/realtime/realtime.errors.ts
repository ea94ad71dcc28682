import { defineError } from '../../../core/errors/domain-error.js';

export const TooManyStreams = defineError(
  'events.too_many_streams',
  'rate-limited',
  'You have as many streams of events open as one user may have.',
);
