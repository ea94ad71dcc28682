import { type Doc, badValue } from './fault.js';
import { compileFilter } from './filter.js';
import { isDoc, own, put } from './values.js';

/**
 * The position that `$` stands for: the first element of the array with which alone the last condition on
 * this array still holds. Conditions that deny something (`$ne`, `$nin`, `$not`) match no element.
 */
export function matchedPosition(doc: Doc, filter: Doc, arrayPath: readonly string[]): number {
  const array = arrayPath.reduce<unknown>((value, name) => (isDoc(value) ? own(value, name) : undefined), doc);
  const prefix = arrayPath.join('.');
  let found = -1;
  for (const condition of Array.isArray(array) ? conditionsOn(prefix, filter, doc) : []) {
    const matches = compileFilter(condition);
    const position = (array as unknown[]).findIndex((element) => matches(withOnly(doc, arrayPath, element)));
    if (position >= 0) found = position;
  }
  if (found < 0) throw badValue('The positional operator did not find the match needed from the query.');
  return found;
}

function conditionsOn(prefix: string, filter: Doc, doc: Doc): Doc[] {
  return Object.entries(filter).flatMap(([name, condition]) => {
    if (name === '$and') return (condition as Doc[]).flatMap((clause) => conditionsOn(prefix, clause, doc));
    if (name === '$or') {
      const branch = (condition as Doc[]).find((clause) => compileFilter(clause)(doc));
      return branch === undefined ? [] : conditionsOn(prefix, branch, doc);
    }
    const about = name === prefix || name.startsWith(`${prefix}.`);
    return about && !denies(condition) ? [{ [name]: condition }] : [];
  });
}

const denies = (condition: unknown): boolean =>
  isDoc(condition) && ['$ne', '$nin', '$not'].some((operator) => Object.hasOwn(condition, operator));

function withOnly(doc: Doc, path: readonly string[], element: unknown): Doc {
  const [name = '', ...rest] = path;
  const copy = { ...doc };
  put(copy, name, rest.length === 0 ? [element] : withOnly(own(doc, name) as Doc, rest, element));
  return copy;
}
