import { createIndexes, type Migration } from '../core/mongo/migration.js';

/** What users are told. */
export const notifications: Migration = {
  name: '0003-notifications',
  steps: [
    createIndexes('notifications', [
      { key: { owner: 1, shownAt: -1, _id: -1 } },
      { key: { owner: 1, unread: 1, shownAt: -1, _id: -1 } },
      { key: { expireAt: 1 }, expireAfterSeconds: 0 },
    ]),
  ],
};
