import type { CacheEntry } from '../../core/cache/cached.js';

export const adminCache = {
  /** The same for all admins. Nobody forgets it: up to a minute old is agreed, or two while one computes. */
  stats: (): CacheEntry => ({ owner: 'admin', name: 'admin.stats', ttlSeconds: 60, staleSeconds: 60 }),
};
