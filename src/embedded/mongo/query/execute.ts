import { type Doc, compileSort } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import type { Row } from '../store/row.js';
import type { Deadline } from './deadline.js';
import { Heap } from './heap.js';
import type { IndexPlan, KeyRange } from './index-plan.js';
import type { Plan, TextPlan } from './planner.js';
import type { QueryStats } from './request.js';

export interface Run {
  readonly collection: Collection;
  readonly sort: Doc;
  readonly stats: QueryStats;
  readonly deadline: Deadline;
}

/** The rows that a plan finds, each once, in the order that the plan promises; they still have to be filtered. */
export function* rowsOf(plan: Exclude<Plan, TextPlan>, run: Run): Generator<Row> {
  switch (plan.kind) {
    case 'id':
      yield* byId(plan.id, run);
      break;
    case 'collection':
      yield* everyRow(plan.reverse, run);
      break;
    case 'index':
      yield* once(merged(streamsOf(plan, run), run), repeats(plan));
      break;
    case 'or': {
      const streams = plan.branches.flatMap((branch) => streamsOf(branch, run));
      yield* once(plan.sorted ? merged(streams, run) : concatenated(streams), true);
    }
  }
}

function* byId(id: string, { collection, stats }: Run): Generator<Row> {
  stats.keysExamined++;
  const row = collection.rows.get(id);
  if (row) yield row;
}

function* everyRow(reverse: boolean, { collection, deadline }: Run): Generator<Row> {
  const rows = collection.rows.values();
  for (const row of reverse ? [...rows].reverse() : rows) {
    deadline.step();
    if (!row.gone) yield row;
  }
}

/** An index with arrays may lead to one row by several keys. */
const repeats = (plan: IndexPlan): boolean => plan.index.isMultikey;

const streamsOf = (plan: IndexPlan, run: Run): Iterator<Row>[] =>
  plan.streams.map((ranges) => scanRanges(plan, plan.reverse ? ranges.toReversed() : ranges, run));

function* scanRanges({ index, reverse }: IndexPlan, ranges: readonly KeyRange[], run: Run): Generator<Row> {
  for (const [low, high] of ranges) {
    const scan = index.tree.scan(low, high, reverse);
    while (scan.advance()) {
      run.deadline.step();
      run.stats.keysExamined++;
      yield scan.value;
    }
  }
}

function* concatenated(streams: readonly Iterator<Row>[]): Generator<Row> {
  for (const stream of streams) for (let next = stream.next(); !next.done; next = stream.next()) yield next.value;
}

interface Head {
  readonly stream: Iterator<Row>;
  row: Row;
}

/** Streams that are in order each, merged into one. */
function* merged(streams: readonly Iterator<Row>[], { sort }: Run): Generator<Row> {
  if (streams.length < 2) {
    yield* concatenated(streams);
    return;
  }
  const compare = compileSort(sort);
  const heads = new Heap<Head>((a, b) => compare(a.row.doc, b.row.doc));
  for (const stream of streams) {
    const first = stream.next();
    if (!first.done) heads.push({ stream, row: first.value });
  }
  for (let head = heads.top; head; head = heads.top) {
    // Taken from its stream earlier, perhaps before the client asked for this batch.
    if (!head.row.gone) yield head.row;
    const next = head.stream.next();
    if (next.done) heads.pop();
    else heads.replaceTop({ stream: head.stream, row: next.value });
  }
}

function* once(rows: Iterable<Row>, needed: boolean): Generator<Row> {
  const seen = needed ? new Set<Row>() : undefined;
  for (const row of rows) {
    if (seen?.has(row)) continue;
    seen?.add(row);
    yield row;
  }
}
