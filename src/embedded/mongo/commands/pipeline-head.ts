import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import type { QueryRequest } from '../query/request.js';
import { numberOf } from './command.js';

/** An aggregation, cut where a query ends that indexes can serve. */
export interface SplitPipeline {
  readonly request: QueryRequest;
  readonly rest: readonly Doc[];
  /** The rest only counts the matches: the one document that it gives. */
  readonly countAs?: { readonly _id: unknown; readonly field: string };
}

/** Stages at the start, in this order, are what `find` does: `$match`…, `$sort`, `$skip`, `$limit`. */
export function splitPipeline(pipeline: readonly Doc[], hint: unknown): SplitPipeline {
  let at = 0;
  const take = <T>(name: string, read: (spec: unknown) => T | undefined): T | undefined => {
    const stage = pipeline[at];
    if (!isDocument(stage) || Object.keys(stage).length !== 1 || !(name in stage)) return undefined;
    const value = read(stage[name]);
    // What is not well formed is left to the pipeline, which knows the error for it.
    if (value !== undefined) at++;
    return value;
  };
  const filters: Doc[] = [];
  for (let filter = take('$match', documentOf); filter; filter = take('$match', documentOf)) filters.push(filter);
  const sort = take('$sort', sortOf);
  const skip = take('$skip', (spec) => wholeNumber(spec, 0));
  const limit = take('$limit', (spec) => wholeNumber(spec, 1));
  const filter = filters.length === 1 ? (filters[0] as Doc) : filters.length === 0 ? {} : { $and: filters };
  const rest = pipeline.slice(at);
  refuseLaterText(rest);
  return { request: { filter, sort, skip, limit, hint }, rest, countAs: countOf(rest) };
}

const documentOf = (spec: unknown): Doc | undefined => (isDocument(spec) ? spec : undefined);
const sortOf = (spec: unknown): Doc | undefined =>
  isDocument(spec) && Object.keys(spec).length > 0 ? spec : undefined;

function wholeNumber(spec: unknown, least: number): number | undefined {
  const number = numberOf(spec);
  return number !== undefined && Number.isSafeInteger(number) && number >= least ? number : undefined;
}

function refuseLaterText(rest: readonly Doc[]): void {
  for (const { $match } of rest) {
    if (isDocument($match) && '$text' in $match)
      throw faults.badValue('$match with $text is only allowed as the first pipeline stage');
  }
}

/** `{$group: {_id: <constant>, n: {$sum: 1}}}`, which is how drivers count documents. */
function countOf(rest: readonly Doc[]): SplitPipeline['countAs'] {
  const group = rest.length === 1 ? rest[0]?.['$group'] : undefined;
  if (!isDocument(group) || Object.keys(group).length !== 2) return undefined;
  const { _id, ...fields } = group;
  const [[field, sum] = []] = Object.entries(fields);
  const constant = _id === null || typeof _id === 'number';
  const ones = isDocument(sum) && Object.keys(sum).length === 1 && sum['$sum'] === 1;
  return constant && ones && field !== undefined ? { _id, field } : undefined;
}
