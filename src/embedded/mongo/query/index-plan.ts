import type { OrderedIndex } from '../index/ordered-index.js';
import type { Doc } from '../language/index.js';
import type { Analysis, Condition } from './conditions.js';
import { EVERYTHING, type Interval, descending, intersection, isEverything } from './intervals.js';

/** Keys `low <= key < high` of an index. */
export type KeyRange = readonly [low: string, high: string];

/** How one index would serve a query. */
export interface IndexPlan {
  readonly kind: 'index';
  readonly index: OrderedIndex;
  /** Each stream gives its rows in the wanted order; several of them are merged. */
  readonly streams: readonly (readonly KeyRange[])[];
  readonly reverse: boolean;
  readonly sorted: boolean;
  /** Leading fields of the index with bounds. */
  readonly bounded: number;
  /** Keys in all ranges. */
  readonly keys: number;
  /** Each key found is a match. */
  readonly exact: boolean;
  /** Bounds per field, for `explain`. */
  readonly bounds: readonly (readonly Interval[])[];
}

/** Scans that MongoDB merges at most instead of sorting (`internalQueryMaxScansToExplode`). */
const MAX_STREAMS = 200;
const MAX_RANGES = 5_000;
/** Ranges whose keys are counted; what is beyond is taken to be like them. */
const COUNTED_RANGES = 100;

/** @param sort field and direction, in order; empty for none */
export function planIndex(index: OrderedIndex, analysis: Analysis, sort: readonly SortField[]): IndexPlan {
  const chosen = index.fields.map((field, i) => fieldBounds(index, i, analysis.conditions));
  const { bounds, bounded } = withinLimits(chosen.map(({ intervals }) => intervals));
  const order = orderOf(index, bounds, sort, analysis);
  const ranges = rangesOf(index, bounds, bounded);
  const merges = order.sorted && order.explode && ranges.length <= MAX_STREAMS;
  const sorted = order.sorted && (!order.explode || merges);
  const streams = merges ? ranges : [ranges.flat()];
  if (!merges) streams[0] = (streams[0] as KeyRange[]).toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
  const usedConditions = chosen.slice(0, bounded).reduce((sum, { used }) => sum + used, 0);
  return {
    kind: 'index',
    index,
    streams,
    reverse: sorted && order.reverse,
    sorted,
    bounded,
    keys: countKeys(index, streams),
    exact:
      analysis.complete &&
      analysis.alternatives.length === 0 &&
      usedConditions === analysis.conditions.length &&
      !index.isMultikey,
    bounds,
  };
}

export type SortField = readonly [path: string, direction: 1 | -1];

interface FieldBounds {
  readonly intervals: readonly Interval[];
  /** Conditions that the intervals express entirely. */
  readonly used: number;
}

function fieldBounds(index: OrderedIndex, at: number, conditions: readonly Condition[]): FieldBounds {
  const path = pathOf(index, at);
  const own = conditions.filter((condition) => condition.path === path && !isEverything(condition.intervals));
  if (own.length === 0 || sharesArray(index, at, conditions)) return { intervals: EVERYTHING, used: 0 };
  // Different elements of an array may meet different conditions: only one of them bounds its keys.
  if (index.multikey[at]) return { intervals: own.toSorted(byNarrowness)[0]!.intervals, used: 1 };
  return { intervals: own.map(({ intervals }) => intervals).reduce(intersection), used: own.length };
}

const pathOf = (index: OrderedIndex, at: number): string => (index.fields[at]?.path ?? []).join('.');

/** Conditions on two fields of an array's elements may be met by different elements, whose keys are different. */
function sharesArray(index: OrderedIndex, at: number, conditions: readonly Condition[]): boolean {
  if (!index.multikey[at]) return false;
  const root = index.fields[at]?.path[0];
  return index.fields.some(
    ({ path }, i) =>
      i < at && index.multikey[i] && path[0] === root && conditions.some((one) => one.path === path.join('.')),
  );
}

function byNarrowness(a: Condition, b: Condition): number {
  return width(a.intervals) - width(b.intervals);
}

/** Points first, the fewer the better; then ranges. */
const width = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, { point }) => sum + (point ? 1 : 1_000), 0);

const isPoints = (intervals: readonly Interval[]): boolean => intervals.every(({ point }) => point);

/** Bounds go on behind a field only where that has points, and only while their product stays small. */
function withinLimits(fields: readonly (readonly Interval[])[]): {
  bounds: readonly (readonly Interval[])[];
  bounded: number;
} {
  const bounds: (readonly Interval[])[] = [];
  let product = 1;
  for (const intervals of fields) {
    product *= intervals.length;
    if (isEverything(intervals) || product > MAX_RANGES) break;
    bounds.push(intervals);
    if (!isPoints(intervals)) break;
  }
  const bounded = bounds.length;
  while (bounds.length < fields.length) bounds.push(EVERYTHING);
  return { bounds, bounded };
}

interface Order {
  readonly sorted: boolean;
  readonly reverse: boolean;
  /** Fields with several points stand before the sort: one stream for each. */
  readonly explode: boolean;
}

/** Whether the index gives its rows in the order of `sort`, once each combination of points has its own stream. */
function orderOf(
  index: OrderedIndex,
  bounds: readonly (readonly Interval[])[],
  sort: readonly SortField[],
  analysis: Analysis,
): Order {
  const none: Order = { sorted: sort.length === 0, reverse: false, explode: false };
  let reverse: boolean | undefined;
  let explode = false;
  let next = skipConstants(sort, 0, analysis, index);
  for (let i = 0; i < index.fields.length && next < sort.length; i++) {
    const [path, direction] = sort[next] as SortField;
    const points = bounds[i] as readonly Interval[];
    if (pathOf(index, i) === path && !index.multikey[i]) {
      const backward = (direction === -1) !== index.fields[i]?.descending;
      reverse ??= backward;
      if (reverse !== backward) return none;
      next = skipConstants(sort, next + 1, analysis, index);
    } else if (isPoints(points)) {
      explode ||= points.length > 1;
    } else {
      return none;
    }
  }
  return next < sort.length ? none : { sorted: true, reverse: reverse ?? false, explode };
}

/** Fields that the query holds at one value do not decide an order, unless they are arrays. */
function skipConstants(
  sort: readonly SortField[],
  from: number,
  { conditions }: Analysis,
  index: OrderedIndex,
): number {
  let next = from;
  while (next < sort.length && conditions.some((one) => one.path === sort[next]?.[0] && isConstant(one, index))) next++;
  return next;
}

function isConstant({ path, intervals, exact }: Condition, index: OrderedIndex): boolean {
  const at = index.fields.findIndex((field) => field.path.join('.') === path);
  return exact && intervals.length === 1 && intervals[0]!.point && at >= 0 && !index.multikey[at];
}

/** One list of ranges for each combination of points. */
function rangesOf(index: OrderedIndex, bounds: readonly (readonly Interval[])[], bounded: number): KeyRange[][] {
  let prefixes = [''];
  for (let i = 0; i < bounded; i++) {
    const field = bounds[i] as readonly Interval[];
    const intervals = index.fields[i]?.descending ? descending(field) : field;
    if (!isPoints(intervals))
      return prefixes.map((prefix) => intervals.map(({ low, high }) => [prefix + low, prefix + high]));
    // A point's lower bound is its encoding, and one more field may follow it.
    prefixes = prefixes.flatMap((prefix) => intervals.map(({ low }) => prefix + low));
  }
  return prefixes.map((prefix) => EVERYTHING.map(({ low, high }) => [prefix + low, prefix + high]));
}

function countKeys({ tree }: OrderedIndex, streams: readonly (readonly KeyRange[])[]): number {
  const ranges = streams.flat();
  const counted = ranges.slice(0, COUNTED_RANGES);
  const keys = counted.reduce((sum, [low, high]) => sum + tree.rank(high) - tree.rank(low), 0);
  return ranges.length === counted.length ? keys : Math.ceil((keys * ranges.length) / counted.length);
}

/** A sort specification as the planner reads it. */
export const sortFields = (sort: Doc | undefined): SortField[] =>
  Object.entries(sort ?? {}).map(([path, direction]) => [path, Number(direction) < 0 ? -1 : 1]);
