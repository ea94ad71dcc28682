import { compareResults } from './expression-logic.js';
import { compileExpression } from './expressions.js';
import { type MongoFault, located } from './fault.js';
import { compileGroupFields, grouping } from './group.js';
import { compileSort } from './sort.js';
import type { Stage } from './stage.js';
import { isDoc, rankOf } from './values.js';

const COUNT = { count: { $sum: 1 } };

export function compileSortByCount(spec: unknown, now: Date): Stage {
  if (typeof spec === 'string' ? !spec.startsWith('$') : !isDoc(spec)) {
    throw located(
      40148,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    );
  }
  const group = grouping(compileExpression(spec), compileGroupFields(COUNT), now);
  const compare = compileSort({ count: -1 });
  return (docs) => [...group(docs)].sort(compare);
}

export function compileBucket(spec: unknown, now: Date): Stage {
  if (!isDoc(spec)) throw located(40201, 'Argument to $bucket stage must be an object');
  const { groupBy, boundaries, default: otherwise, output, ...others } = spec;
  const extra = Object.keys(others)[0];
  if (extra !== undefined) throw located(40197, `Unrecognized option to $bucket: ${extra}.`);
  if (groupBy === undefined || boundaries === undefined) {
    throw located(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  }
  const limits = assertBoundaries(boundaries);
  const by = compileExpression(groupBy);
  const group = grouping(
    (scope) => {
      const value = by(scope);
      const next = limits.findIndex((limit) => compareResults(value, limit) < 0);
      if (next > 0) return limits[next - 1];
      if (otherwise === undefined) throw noBucket();
      return otherwise;
    },
    compileGroupFields(isDoc(output) ? output : COUNT),
    now,
  );
  const compare = compileSort({ _id: 1 });
  return (docs) => [...group(docs)].sort(compare);
}

function assertBoundaries(boundaries: unknown): readonly unknown[] {
  if (!Array.isArray(boundaries)) throw located(40200, "The $bucket 'boundaries' field must be an array");
  if (boundaries.length < 2) throw located(40192, "The $bucket 'boundaries' field must have at least 2 values");
  for (const [i, limit] of boundaries.entries()) {
    if (i === 0) continue;
    const before: unknown = boundaries[i - 1];
    if (rankOf(before) !== rankOf(limit)) {
      throw located(40193, "All values in the 'boundaries' option to $bucket must have the same type.");
    }
    if (compareResults(before, limit) >= 0) {
      throw located(40194, "The 'boundaries' option to $bucket must be sorted in ascending order.");
    }
  }
  return boundaries;
}

const noBucket = (): MongoFault =>
  located(40066, '$switch could not find a matching branch for an input, and no default was specified.');
