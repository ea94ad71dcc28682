import { AFTER, Tag, complement, tryEncode } from '../index/key.js';

/** Encoded values `low <= value < high`; either bound may be the beginning of encodings. */
export interface Interval {
  readonly low: string;
  readonly high: string;
  /** Holds one value only. */
  readonly point: boolean;
}

export const EVERYTHING: readonly Interval[] = [{ low: '', high: AFTER, point: false }];
export const isEverything = (intervals: readonly Interval[]): boolean => intervals === EVERYTHING;

export const pointAt = (encoded: string): Interval => ({ low: encoded, high: encoded + AFTER, point: true });
export const range = (low: string, high: string): Interval => ({ low, high, point: false });
/** All encodings that begin like this. */
export const startingWith = (prefix: string): Interval => range(prefix, prefix + AFTER);

export const NULL_POINT = pointAt(Tag.nothing);
/** Numbers begin behind NaN: no comparison finds it, although it sorts first. */
const NUMBERS_FROM = `${tryEncode(Number.NaN)}${AFTER}`;

export type Comparison = '$gt' | '$gte' | '$lt' | '$lte';

/** The values of the operand's own type that compare so, which is what MongoDB's comparisons mean. */
export function comparison(operator: Comparison, encoded: string): Interval {
  const tag = encoded.slice(0, 1);
  const from = tag === Tag.number ? NUMBERS_FROM : tag;
  switch (operator) {
    case '$gt':
      return range(encoded + AFTER, tag + AFTER);
    case '$gte':
      return range(encoded, tag + AFTER);
    case '$lt':
      return range(from, encoded);
    case '$lte':
      return range(from, encoded + AFTER);
  }
}

/** Ascending, without overlaps. */
export function union(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0))) {
    const last = result.at(-1);
    if (!last || next.low >= last.high) result.push(next);
    else if (next.high > last.high) result[result.length - 1] = range(last.low, next.high);
  }
  return result;
}

/** @param a ascending without overlaps, as `b` is */
export function intersection(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i] as Interval, b[j] as Interval];
    const low = x.low > y.low ? x.low : y.low;
    const high = x.high < y.high ? x.high : y.high;
    if (low < high) result.push({ low, high, point: x.point || y.point });
    if (x.high < y.high) i++;
    else j++;
  }
  return result;
}

export const contains = (outer: readonly Interval[], inner: readonly Interval[]): boolean =>
  inner.every(({ low, high }) => outer.some((interval) => interval.low <= low && high <= interval.high));

/** For a field in descending order: the same values among complemented encodings. */
export const descending = (intervals: readonly Interval[]): Interval[] =>
  intervals.map(({ low, high, point }) => ({ low: flip(high), high: flip(low), point })).toReversed();

const flip = (bound: string): string =>
  bound.endsWith(AFTER) ? complement(bound.slice(0, -1)) : complement(bound) + AFTER;
