import type { CacheEntry } from '../cache/cached.js';
import type { StoredAnswer } from '../cache/cache.store.js';
import type { RateLimit, RateLimitResult } from '../rate-limit/rate-limit.store.js';

/** What is to be known of a request before it is handled. */
export interface Entrance {
  readonly limit: RateLimit;
  /** Who is asking, by a token that this process knows nothing against. */
  readonly principal?: { readonly userId: string; readonly sessionId: string; readonly version: number };
  /** What the answer is cached as, if it is. */
  readonly cacheEntry?: CacheEntry;
}

export interface Admission {
  readonly limit: RateLimitResult;
  /** The session is over, or the user's version was raised: another process said so. */
  readonly isRevoked: boolean;
  /** Absent when the cache was not asked. Without a generation the cache is away. */
  readonly cached?: { readonly generation?: string; readonly answer?: StoredAnswer };
}

/** The port of what guards and cache ask of the stores for every request: together, where one store has it all. */
export abstract class RequestGate {
  abstract enter(entrance: Entrance): Promise<Admission>;
}
