export interface RateLimitResult {
  readonly allowed: boolean;
  /** Requests left in the window. */
  readonly remaining: number;
  /** Seconds, at least 1: until the window has room again (when refused) or is over (when allowed). */
  readonly resetSeconds: number;
}

export interface RateLimit {
  readonly key: string;
  readonly limit: number;
  readonly windowSeconds: number;
  /** The user who is limited, if it is one: lets the counters lie where everything of this user lies. */
  readonly owner?: string;
}

/** The port of the rate limiter: a sliding window of two counters that begins with the first request under a key. */
export abstract class RateLimitStore {
  /** Counts one request against every limit, or against none when one of them is exhausted. Results in order. */
  abstract consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]>;
}
