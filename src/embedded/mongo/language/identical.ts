import { compareValues } from './compare.js';
import { isDoc, typeName } from './values.js';

/** Same bytes: also the types of numbers agree. Decides whether an update changes anything. */
export function identical(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeName(a) !== typeName(b)) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((element, i) => identical(element, b[i]));
  }
  if (!isDoc(a) || !isDoc(b)) return compareValues(a, b) === 0;
  const names = Object.keys(a);
  const others = Object.keys(b);
  return names.length === others.length && names.every((name, i) => name === others[i] && identical(a[name], b[name]));
}
