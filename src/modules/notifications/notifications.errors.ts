import { defineError } from '../../core/errors/domain-error.js';

export const NotificationNotFound = defineError(
  'notification.not_found',
  'not-found',
  'There is no such notification.',
);
