import { type Doc, valuesEqual } from '../language/index.js';
import { type Analysis, type Condition, analyse } from './conditions.js';
import { contains, isEverything } from './intervals.js';

/** Whether every document that a query can match is in an index with this filter. */
export function implies(query: Doc, analysis: Analysis, filter: Doc): boolean {
  return clausesOf(filter).every(
    (clause) => clausesOf(query).some((asked) => valuesEqual(asked, clause)) || follows(analysis, clause),
  );
}

/** One condition a document, `$and` resolved. */
function clausesOf(filter: Doc): Doc[] {
  return Object.entries(filter).flatMap(([name, condition]) =>
    name === '$and' ? (condition as Doc[]).flatMap(clausesOf) : [{ [name]: condition }],
  );
}

/** A single condition of the query must do it alone: two of them may hold for different array elements. */
function follows({ conditions }: Analysis, clause: Doc): boolean {
  return analyse(clause).conditions.every((wanted) =>
    conditions.some((asked) => asked.path === wanted.path && impliesCondition(asked, wanted)),
  );
}

function impliesCondition(asked: Condition, wanted: Condition): boolean {
  // Of what an index filter may hold, only `$exists: true` asks for a field without asking for values.
  if (isEverything(wanted.intervals)) return wanted.present && asked.present;
  return wanted.exact && !isEverything(asked.intervals) && contains(wanted.intervals, asked.intervals);
}
