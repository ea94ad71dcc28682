/** A serialised answer, ready to be sent as it is. */
export interface StoredAnswer {
  readonly body: string;
  readonly etag: string;
  /** The `Link` header that belongs to the body, if any. */
  readonly link?: string;
  /** Milliseconds since the epoch, after which it is old: served, if at all, while somebody computes the next. */
  readonly freshUntilMs?: number;
}

/**
 * The port of the cache: answers by owner, generation and name. Invalidation replaces the owner's generation, a unique
 * token and never a counter: a counter that gets lost starts again and finds old answers under an old number.
 */
export abstract class CacheStore {
  /** The owner's current generation (made when there is none) and the answer that is stored under it. */
  abstract read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }>;

  /** Stores under the generation that was current *before* the answer was computed; if it is over, nobody looks there. */
  abstract write(owner: string, generation: string, name: string, answer: StoredAnswer, ttlMs: number): Promise<void>;

  /** Replaces the generation: nothing stored for this owner so far is served again. */
  abstract forget(owner: string): Promise<void>;
}
