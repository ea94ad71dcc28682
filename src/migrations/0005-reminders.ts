import { createIndexes, type Migration } from '../core/mongo/migration.js';

/** The schedule of what is told about deadlines. */
export const reminders: Migration = {
  name: '0005-reminders',
  steps: [
    createIndexes('reminders', [
      { key: { owner: 1, taskId: 1 } },
      { key: { lookAt: 1 }, sparse: true },
      { key: { pendingAt: 1 }, sparse: true },
    ]),
  ],
};
