import { createIndexes, type Migration } from '../core/mongo/migration.js';

const waiting = { partialFilterExpression: { lookAt: { $exists: true } } };

/** Published events in the order of their owners, and those that were given up. */
export const eventLog: Migration = {
  name: '0004-event-log',
  steps: [
    createIndexes('events', [
      { key: { owner: 1, seq: 1 } },
      { key: { owner: 1, after: 1 }, unique: true },
      { key: { to: 1, lookAt: 1 }, ...waiting },
      { key: { to: 1, owner: 1, seq: 1 }, ...waiting },
      { key: { expireAt: 1 }, expireAfterSeconds: 0 },
    ]),
    createIndexes('dead_letters', [{ key: { at: -1, _id: -1 } }]),
  ],
};
