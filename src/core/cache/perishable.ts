/** An answer that changes by itself at a known instant: the cache must not keep it beyond. */
export class Perishable<T> {
  constructor(
    readonly value: T,
    /** The first instant at which `value` may be wrong; undefined when time alone never changes it. */
    readonly until: Date | undefined,
  ) {}
}
