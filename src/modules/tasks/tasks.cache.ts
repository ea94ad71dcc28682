import { createHash } from 'node:crypto';
import type { CacheEntry } from '../../core/cache/cached.js';

/** Whoever writes a user's tasks forgets that user: `CacheStore.forget(owner)`. */
export const tasksCache = {
  stats: (owner: string): CacheEntry => ({ owner, name: 'tasks.stats', ttlSeconds: 300 }),

  /** First pages only: what follows is asked for once, and searches rarely come twice. */
  firstPage: (owner: string, query: Readonly<Record<string, unknown>>): CacheEntry | undefined =>
    'cursor' in query || 'q' in query ? undefined : { owner, name: `tasks.list:${digest(query)}`, ttlSeconds: 30 },
};

/** The same for the same parameters in another order; a key must not grow with what a client sends. */
function digest(query: Readonly<Record<string, unknown>>): string {
  const canonical = JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(canonical).digest('base64url');
}
