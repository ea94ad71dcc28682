import type { CacheEntry } from '../../core/cache/cached.js';

export const adminCache = {
  /** The same for all admins. Nobody forgets it: up to a minute old is agreed. */
  stats: (): CacheEntry => ({ owner: 'admin', name: 'stats', ttlSeconds: 60 }),
};
