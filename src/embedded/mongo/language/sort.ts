import { compareValues } from './compare.js';
import { type Doc, badValue, located } from './fault.js';
import { toDouble } from './numbers.js';
import { type Path, fieldReader, parsePath, someAt } from './paths.js';
import { EMPTY_ARRAY, isDoc, isNumeric } from './values.js';

export type Comparator = (a: Doc, b: Doc) => number;
type SortKey = (doc: Doc) => unknown;

/**
 * Order of two documents. An array counts as its smallest element ascending and its largest descending,
 * an empty one is below null. `{$meta: 'textScore'}` is not accepted: scores are not in the document, so
 * whoever computed them sorts by them first and by the rest with this.
 */
export function compileSort(spec: Doc): Comparator {
  const [first, ...others] = Object.entries(spec).map(([field, order]) => compareField(field, direction(order)));
  if (first === undefined) return () => 0;
  if (others.length === 0) return first;
  return (a, b) => {
    let difference = first(a, b);
    for (let i = 0; difference === 0 && i < others.length; i++) difference = (others[i] as Comparator)(a, b);
    return difference;
  };
}

function direction(order: unknown): 1 | -1 {
  if (isDoc(order)) throw badValue('$meta sort is not supported here');
  const sign = isNumeric(order) ? toDouble(order) : 0;
  if (sign !== 1 && sign !== -1) {
    throw located(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
  }
  return sign;
}

function compareField(field: string, sign: 1 | -1): Comparator {
  const path = parsePath(field);
  const key = path.parts.length === 1 ? topLevelKey(field, sign) : nestedKey(path, sign);
  return sign === 1 ? (a, b) => compareValues(key(a), key(b)) : (a, b) => compareValues(key(b), key(a));
}

function topLevelKey(field: string, sign: 1 | -1): SortKey {
  const read = fieldReader(field);
  return (doc) => {
    const value = read(doc);
    return Array.isArray(value) ? extreme(value, sign) : value;
  };
}

function nestedKey(path: Path, sign: 1 | -1): SortKey {
  const positional = path.positions.some((position) => position >= 0);
  return (doc) => {
    const found: unknown[] = [];
    someAt(doc, path, (value) => {
      found.push(Array.isArray(value) ? extreme(value, sign) : value);
      return false;
    });
    // With `a.1.b` only the second element counts, not that the others have no field called 1.
    const keys = positional ? found.filter((value) => value !== undefined) : found;
    return keys.length === 0 ? undefined : extreme(keys, sign);
  };
}

function extreme(values: readonly unknown[], sign: 1 | -1): unknown {
  if (values.length === 0) return EMPTY_ARRAY;
  return values.reduce((best, value) => (compareValues(value, best) * sign < 0 ? value : best));
}
