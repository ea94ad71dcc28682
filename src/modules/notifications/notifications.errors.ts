import { defineError } from '../../core/errors/domain-error.js';

export const NotificationNotFound = defineError(
  'notification.not_found',
  'not-found',
  'There is no such notification.',
);
export const PushSubscriptionNotFound = defineError(
  'push.subscription_not_found',
  'not-found',
  'There is no such push subscription.',
);
export const PushUnavailable = defineError('push.unavailable', 'not-found', 'There are no pushes here.');
export const UnsubscribeLinkInvalid = defineError(
  'notification.link_invalid',
  'not-found',
  'This is no link to unsubscribe by.',
);
