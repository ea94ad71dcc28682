import { createIndexes, type Migration } from '../core/mongo/migration.js';

/** Each module looks for the users with events for it. */
export const eventDeliveries: Migration = {
  name: '0002-event-deliveries',
  steps: [createIndexes('users', [{ key: { 'delivery.to': 1, 'delivery.at': 1 }, sparse: true }])],
};
