import { createIndexes, type Migration } from '../core/mongo/migration.js';

const outbox = { key: { pendingAt: 1 }, sparse: true } as const;
const expiry = { key: { expiresAt: 1 }, expireAfterSeconds: 0 } as const;

/**
 * The indexes of the first release. The schemas say what each of them serves; a test compares the two. A database that
 * a process made before there were migrations has them already.
 */
export const initialIndexes: Migration = {
  name: '0001-initial-indexes',
  steps: [
    createIndexes('users', [
      { key: { emailKey: 1 }, unique: true, sparse: true },
      { key: { createdAt: -1, _id: -1 } },
      { key: { status: 1, role: 1, createdAt: -1, _id: -1 } },
      { key: { terms: 1 } },
      outbox,
    ]),
    createIndexes('tasks', [
      { key: { owner: 1, place: 1, createdAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, updatedAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, dated: 1, dueAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, priority: 1, createdAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, titleFolded: 1, _id: 1 } },
      { key: { owner: 1, place: 1, status: 1, createdAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, tags: 1, createdAt: 1, _id: 1 } },
      { key: { owner: 1, place: 1, terms: 1 } },
      {
        key: { owner: 1, place: 1, searchTitle: 'text', searchText: 'text' },
        name: 'relevance',
        weights: { searchTitle: 10, searchText: 1 },
        default_language: 'none',
      },
      {
        key: { owner: 1, 'idem.key': 1 },
        unique: true,
        partialFilterExpression: { 'idem.key': { $exists: true } },
      },
      outbox,
      { key: { place: 1, deletedAt: 1, status: 1, priority: 1, dueAt: 1, createdAt: 1 } },
    ]),
    createIndexes('sessions', [
      { key: { userId: 1, lastUsedAt: -1 } },
      { key: { idleUntil: 1 }, expireAfterSeconds: 0 },
      { key: { absoluteUntil: 1 }, expireAfterSeconds: 0 },
      { key: { sealedUntil: 1 }, sparse: true },
    ]),
    createIndexes('session_ledger', [expiry]),
    createIndexes('revocations', [expiry, { key: { at: 1 } }]),
    createIndexes('rate_limits', [expiry]),
    createIndexes('audit', [
      { key: { at: -1, _id: -1 } },
      { key: { actor: 1, at: -1, _id: -1 } },
      { key: { action: 1, at: -1, _id: -1 } },
    ]),
  ],
};
