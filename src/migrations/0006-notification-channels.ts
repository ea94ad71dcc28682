import { createIndexes, type Migration } from '../core/mongo/migration.js';

const perChannel = (channel: string) => ({ key: { [`deliveries.${channel}.lookAt`]: 1 }, sparse: true }) as const;

/** What is to be sent, to whom, and how they want it. */
export const notificationChannels: Migration = {
  name: '0006-notification-channels',
  steps: [
    createIndexes('notifications', [perChannel('email'), perChannel('push')]),
    createIndexes('push_subscriptions', [{ key: { owner: 1, createdAt: 1 } }]),
    createIndexes('notification_preferences', [{ key: { pendingAt: 1 }, sparse: true }]),
  ],
};
