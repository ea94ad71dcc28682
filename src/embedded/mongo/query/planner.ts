import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { OrderedIndex } from '../index/ordered-index.js';
import type { TextIndex } from '../index/text-index.js';
import { type Doc, valuesEqual } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import { type Analysis, type Condition, analyse } from './conditions.js';
import { type IndexPlan, type SortField, planIndex, sortFields } from './index-plan.js';
import { implies } from './partial-filter.js';
import type { QueryRequest } from './request.js';
import { type TextSearch, textPrefix } from './text-search.js';

/** One document by its `_id`. */
export interface IdPlan {
  readonly kind: 'id';
  readonly id: string;
}

/** A plan for each alternative of an `$or`, together with what is asked beside it. */
export interface OrPlan {
  readonly kind: 'or';
  readonly branches: readonly IndexPlan[];
  readonly sorted: boolean;
  readonly keys: number;
  readonly exact: boolean;
}

export interface CollectionPlan {
  readonly kind: 'collection';
  readonly reverse: boolean;
}

/** Words of a text index, behind one value of each field before them. */
export interface TextPlan {
  readonly kind: 'text';
  readonly index: TextIndex;
  readonly prefix: string;
  readonly search: TextSearch;
}

export type Plan = IdPlan | IndexPlan | OrPlan | CollectionPlan | TextPlan;
type Candidate = IndexPlan | OrPlan;

/** @throws MongoFault for a hint that names no index or one that cannot answer */
export function plan(collection: Collection, request: QueryRequest, search?: TextSearch): Plan {
  if (search) return planText(collection, request, search);
  const natural = naturalOrder(request);
  if (natural) return { kind: 'collection', reverse: natural < 0 };
  const analysis = analyse(request.filter);
  const sort = sortFields(request.sort);
  if (request.hint !== undefined) return hinted(collection, request, analysis, sort);
  const id = idOf(analysis.conditions);
  if (id !== undefined) return { kind: 'id', id };
  const candidates = candidatesFor(collection, request.filter, analysis, sort);
  return cheapest(candidates, sort, request) ?? { kind: 'collection', reverse: false };
}

function planText({ textIndex: index }: Collection, { filter, hint }: QueryRequest, search: TextSearch): TextPlan {
  if (!index) throw faults.noTextIndex();
  if (hint !== undefined) throw faults.badValue('text and hint not allowed in same query');
  const analysis = analyse(filter);
  const partial = index.spec.partialFilterExpression;
  if (partial && !implies(filter, analysis, partial))
    throw faults.noPlan('failed to use text index to satisfy $text query');
  return { kind: 'text', index, prefix: textPrefix(index, analysis), search };
}

function naturalOrder({ hint, sort }: QueryRequest): number | undefined {
  const asked = isDocument(hint) && '$natural' in hint ? hint : sort && '$natural' in sort ? sort : undefined;
  return asked && Number(asked['$natural']);
}

function idOf(conditions: readonly Condition[]): string | undefined {
  const asked = conditions.find(
    ({ path, intervals }) => path === '_id' && intervals.length === 1 && intervals[0]?.point,
  );
  return asked?.intervals[0]?.low;
}

function hinted(collection: Collection, request: QueryRequest, analysis: Analysis, sort: readonly SortField[]): Plan {
  const index = [...collection.indexes.values()].find(({ spec }) =>
    typeof request.hint === 'string' ? spec.name === request.hint : valuesEqual(spec.key, request.hint),
  );
  if (!(index instanceof OrderedIndex)) {
    throw faults.badValue(
      'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index',
    );
  }
  const filter = index.spec.partialFilterExpression;
  if (filter && !implies(request.filter, analysis, filter))
    throw faults.noPlan('No indexed plans available for the hint');
  return planIndex(index, analysis, sort);
}

function candidatesFor(
  collection: Collection,
  filter: Doc,
  analysis: Analysis,
  sort: readonly SortField[],
): Candidate[] {
  const indexes = [...collection.indexes.values()].filter((index) => index instanceof OrderedIndex);
  const plans: Candidate[] = indexes
    .filter((index) => isComplete(index, filter, analysis))
    .map((index) => planIndex(index, analysis, sort))
    .filter((candidate) => candidate.bounded > 0 || (sort.length > 0 && candidate.sorted));
  for (const branches of analysis.alternatives) {
    const joined = planOr(collection, filter, branches, sort);
    if (joined) plans.push(joined);
  }
  return plans;
}

/** Whether an index holds every document that can match. */
function isComplete(index: OrderedIndex, filter: Doc, analysis: Analysis): boolean {
  const { partialFilterExpression, sparse } = index.spec;
  if (partialFilterExpression) return implies(filter, analysis, partialFilterExpression);
  if (!sparse) return true;
  return index.fields.some(({ path }) => analysis.conditions.some((one) => one.present && one.path === path.join('.')));
}

/** An `$or` is served by indexes only if each of its branches is; what is asked beside it bounds each branch. */
function planOr(
  collection: Collection,
  filter: Doc,
  branches: readonly Doc[],
  sort: readonly SortField[],
): OrPlan | undefined {
  const plans: IndexPlan[] = [];
  for (const branch of branches) {
    const merged = { $and: [withoutBranches(filter, branches), branch] };
    const analysis = analyse(merged);
    const candidates = candidatesFor(collection, merged, analysis, sort).filter(
      (one) => one.kind === 'index' && one.bounded > 0,
    );
    const best =
      cheapest(
        candidates.filter(({ sorted }) => sorted),
        sort,
        { filter: merged },
      ) ?? cheapest(candidates, sort, { filter: merged });
    if (best?.kind !== 'index') return undefined;
    plans.push(best);
  }
  return {
    kind: 'or',
    branches: plans,
    sorted: plans.every(({ sorted }) => sorted),
    keys: plans.reduce((sum, { keys }) => sum + keys, 0),
    exact: plans.every(({ exact }) => exact),
  };
}

function withoutBranches(filter: Doc, branches: readonly Doc[]): Doc {
  const clauses = Object.entries(filter).flatMap(([name, condition]) => {
    if (name === '$or' && condition === branches) return [];
    if (name === '$and') return (condition as Doc[]).map((clause) => withoutBranches(clause, branches));
    return [{ [name]: condition }];
  });
  return clauses.length === 0 ? {} : { $and: clauses };
}

/** The candidate that is expected to look at the fewest documents; of equals the one that needs no sort, then the first. */
function cheapest(
  candidates: readonly Candidate[],
  sort: readonly SortField[],
  request: QueryRequest,
): Candidate | undefined {
  const fewest = Math.max(1, Math.min(...candidates.map(({ keys }) => keys)));
  const wanted = request.limit ? request.limit + (request.skip ?? 0) : Infinity;
  let best: Candidate | undefined;
  let bestCost = Infinity;
  for (const candidate of candidates) {
    const cost = expectedCost(candidate, sort.length > 0, wanted, fewest);
    if (!best || cost < bestCost || (cost === bestCost && preferred(candidate, best))) {
      best = candidate;
      bestCost = cost;
    }
  }
  return best;
}

/**
 * A scan in order stops when it has enough: matches are taken to be spread evenly, and to be no more than the
 * smallest candidate has keys. A scan that has to be sorted reads everything first.
 */
function expectedCost({ keys, sorted, exact }: Candidate, sorts: boolean, wanted: number, fewest: number): number {
  if (!sorted) return keys + (sorts ? keys * Math.log2(keys + 2) : 0);
  return Math.min(keys, exact ? wanted : wanted * (keys / fewest));
}

function preferred(a: Candidate, b: Candidate): boolean {
  if (a.sorted !== b.sorted) return a.sorted;
  if (a.kind === 'or' || b.kind === 'or') return a.kind !== 'or' && b.kind === 'or';
  return a.bounded > b.bounded;
}
