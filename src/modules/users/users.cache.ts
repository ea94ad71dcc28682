import type { CacheEntry } from '../../core/cache/cached.js';

/** Whoever writes a user's data forgets that user: `CacheStore.forget(userId)`. */
export const usersCache = {
  profile: (owner: string): CacheEntry => ({ owner, name: 'profile', ttlSeconds: 600 }),
};
