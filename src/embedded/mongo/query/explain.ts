import type { Doc } from '../language/index.js';
import type { IndexSpec } from '../index/index-spec.js';
import { type Interval, isEverything } from './intervals.js';
import type { IndexPlan } from './index-plan.js';
import type { Query } from './query.js';
import type { QueryRequest, QueryStats } from './request.js';

/** The stages of a query as MongoDB's `explain` names them. */
export function winningPlan(query: Query, { filter, sort, skip, limit }: QueryRequest): Doc {
  let stage = access(query, filter);
  if (query.sorts)
    stage = { stage: 'SORT', sortPattern: sort, ...(limit ? { limitAmount: limit } : {}), inputStage: stage };
  if (skip) stage = { stage: 'SKIP', skipAmount: skip, inputStage: stage };
  if (limit && !query.sorts) stage = { stage: 'LIMIT', limitAmount: limit, inputStage: stage };
  return stage;
}

function access({ plan }: Query, filter: Doc): Doc {
  switch (plan.kind) {
    case 'id':
      return { stage: 'IDHACK' };
    case 'collection':
      return { stage: 'COLLSCAN', filter, direction: plan.reverse ? 'backward' : 'forward' };
    case 'index':
      return { stage: 'FETCH', filter, inputStage: scans(plan) };
    case 'or': {
      const stage = plan.sorted ? 'SORT_MERGE' : 'OR';
      return { stage: 'FETCH', filter, inputStage: { stage, inputStages: plan.branches.map(scans) } };
    }
    case 'text':
      return { stage: 'TEXT_MATCH', ...indexFields(plan.index.spec), filter };
  }
}

/** Scans to merge differ in their bounds only, so one of them stands for all. */
function scans(plan: IndexPlan): Doc {
  const scan = {
    stage: 'IXSCAN',
    ...indexFields(plan.index.spec),
    isMultiKey: plan.index.isMultikey,
    direction: plan.reverse ? 'backward' : 'forward',
    indexBounds: Object.fromEntries(
      plan.bounds.map((bounds, i) => [plan.index.fields[i]?.path.join('.') ?? '', describe(bounds)]),
    ),
  };
  return plan.streams.length < 2 ? scan : { stage: 'SORT_MERGE', scans: plan.streams.length, inputStages: [scan] };
}

const indexFields = ({ key, name, unique, sparse, partialFilterExpression }: IndexSpec): Doc => ({
  keyPattern: key,
  indexName: name,
  isUnique: unique ?? false,
  isSparse: sparse ?? false,
  isPartial: partialFilterExpression !== undefined,
});

/** Values are not shown: a plan may be logged. */
function describe(bounds: readonly Interval[]): string[] {
  if (isEverything(bounds)) return ['[MinKey, MaxKey]'];
  const points = bounds.filter(({ point }) => point).length;
  return [`${points} points, ${bounds.length - points} ranges`];
}

export function executionStats(query: Query, stats: QueryStats): Doc {
  const started = performance.now();
  let nReturned = 0;
  for (const _ of query.matches()) nReturned++;
  return {
    executionSuccess: true,
    nReturned,
    executionTimeMillis: Math.round(performance.now() - started),
    totalKeysExamined: stats.keysExamined,
    totalDocsExamined: stats.docsExamined,
  };
}
