/** Who a cached answer belongs to, what it is called, and how long it may be kept. */
export interface CacheEntry {
  /** A user id, or `admin` for what all admins see alike. */
  readonly owner: string;
  readonly name: string;
  /** Also the longest that an answer can be stale if an invalidation is lost. */
  readonly ttlSeconds: number;
  /**
   * For an answer that is costly and may be old: one process of all computes the next one, and for so much longer the
   * others serve the last one meanwhile.
   */
  readonly staleSeconds?: number;
}

/** Names the entry of a request; undefined when this request is not to be cached. */
export type CachedRead = (owner: string, query: Readonly<Record<string, unknown>>) => CacheEntry | undefined;

export const CACHED_READ = 'taskflow:cached-read';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route with `@Cached`. */
    readonly cachedRead?: CachedRead;
  }
}
