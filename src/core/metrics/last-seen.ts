/** Longer than the pause between two looks, shorter than anybody's patience with a number that is no longer true. */
const HOLDS_MS = 30_000;

/**
 * A state of the database that one process looks at, as its gauge shows it: 0 where another process looks, so the
 * maximum of all is the value.
 */
export class LastSeen {
  private seen = { value: 0, atMs: -Infinity };

  get value(): number {
    return performance.now() - this.seen.atMs < HOLDS_MS ? this.seen.value : 0;
  }

  set value(value: number) {
    this.seen = { value, atMs: performance.now() };
  }
}
