export interface Backoff {
  /** After the first failure. */
  readonly firstMs: number;
  readonly longestMs?: number;
  /** The part of a pause that may be taken off at random, 0 to 1: not all come back at once. */
  readonly jitter: number;
}

/** Milliseconds until the next try: doubled with each failure. */
export const backoffMs = (failures: number, { firstMs, longestMs = Infinity, jitter }: Backoff): number =>
  Math.min(longestMs, firstMs * 2 ** (failures - 1)) * (1 - jitter * Math.random());
