import { faults } from '../faults.js';
import { type Doc, compileFilter } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import type { Row } from '../store/row.js';
import type { Deadline } from './deadline.js';
import { type Run, rowsOf } from './execute.js';
import { Heap } from './heap.js';
import { type Plan, plan } from './planner.js';
import type { Match } from './match.js';
import type { QueryRequest, QueryStats } from './request.js';
import { compareMatches, requireScore } from './sorting.js';
import { extractText, searchRows } from './text-search.js';

/** A query, planned and ready to run once. */
export class Query {
  readonly plan: Plan;
  private readonly request: QueryRequest;
  private readonly filter: (doc: Doc) => boolean;
  private readonly compare?: (a: Match, b: Match) => number;

  /** @throws MongoFault when filter, sort or hint make no sense */
  constructor(
    private readonly collection: Collection,
    asked: QueryRequest,
    readonly stats: QueryStats,
    private readonly deadline: Deadline,
  ) {
    const { filter, text } = extractText(asked.filter);
    this.request = { ...asked, filter };
    this.filter = compileFilter(filter);
    requireScore(asked.sort, text !== undefined);
    this.plan = plan(collection, this.request, text);
    if (this.sorts) this.compare = compareMatches(asked.sort ?? {});
  }

  /** Whether matches have to be put in order after they were found. */
  get sorts(): boolean {
    const { sort = {} } = this.request;
    if (Object.keys(sort).length === 0 || '$natural' in sort) return false;
    return this.plan.kind === 'index' || this.plan.kind === 'or' ? !this.plan.sorted : this.plan.kind !== 'id';
  }

  *matches(): Generator<Match> {
    const { skip = 0, limit = 0 } = this.request;
    const end = limit > 0 ? skip + limit : Infinity;
    const found = this.compare ? inOrder(this.found(), this.compare, end, this.deadline) : this.found();
    let place = 0;
    for (const match of found) {
      if (place++ >= skip) yield match;
      if (place >= end) return;
    }
  }

  /** How many match, from the counts of an index where it alone can tell. */
  count(): number {
    const { skip = 0, limit = 0 } = this.request;
    const all = this.countWithoutReading();
    if (all !== undefined) return Math.min(Math.max(0, all - skip), limit > 0 ? limit : Infinity);
    let n = 0;
    for (const _ of this.matches()) n++;
    return n;
  }

  private countWithoutReading(): number | undefined {
    if (Object.keys(this.request.filter).length === 0 && this.plan.kind === 'collection')
      return this.collection.rows.size;
    return this.plan.kind === 'index' && this.plan.exact ? this.plan.keys : undefined;
  }

  private *found(): Generator<Match> {
    const { collection, stats, deadline } = this;
    const run: Run = { collection, sort: this.request.sort ?? {}, stats, deadline };
    for (const [row, textScore] of this.scored(run)) {
      if (collection.dropped) throw faults.planKilled('collection dropped');
      // An index that was dropped meanwhile no longer follows the changes.
      if (row.gone) continue;
      stats.docsExamined++;
      const { doc, raw } = row;
      if (this.filter(doc)) yield { row, doc, raw, textScore };
    }
  }

  private *scored(run: Run): Generator<readonly [row: Row, textScore?: number]> {
    if (this.plan.kind === 'text') yield* searchRows(this.plan.index, this.plan.prefix, this.plan.search, run);
    else for (const row of rowsOf(this.plan, run)) yield [row];
  }
}

interface Placed {
  readonly match: Match;
  readonly arrival: number;
}

/** The first `end` matches in order; equal ones as they came. Keeps no more of them than that. */
function inOrder(
  found: Iterable<Match>,
  compare: (a: Match, b: Match) => number,
  end: number,
  deadline: Deadline,
): Match[] {
  if (end === Infinity) return [...found].sort((a, b) => (deadline.step(), compare(a, b)));
  const worstFirst = (a: Placed, b: Placed): number => compare(b.match, a.match) || b.arrival - a.arrival;
  const best = new Heap<Placed>(worstFirst);
  let arrival = 0;
  for (const match of found) {
    const placed = { match, arrival: arrival++ };
    if (best.size < end) best.push(placed);
    else if (worstFirst(best.top as Placed, placed) < 0) best.replaceTop(placed);
  }
  const result: Match[] = [];
  for (let worst = best.pop(); worst; worst = best.pop()) result.push(worst.match);
  return result.reverse();
}
