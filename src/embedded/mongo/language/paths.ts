import type { Doc } from './fault.js';
import { EMPTY_ARRAY, isDoc, own } from './values.js';

/** A dotted path, parsed once per query instead of once per document. */
export interface Path {
  readonly text: string;
  readonly parts: readonly string[];
  /** The part as an array position, -1 where it is not one. */
  readonly positions: readonly number[];
}

export type Reader = (doc: Doc) => unknown;
/** `expandable`: an array found here also stands for each of its elements. */
type Visit = (value: unknown, expandable: boolean) => boolean;

export function parsePath(text: string): Path {
  const parts = text.split('.');
  return { text, parts, positions: parts.map(arrayPosition) };
}

/** -1 unless the text is an array position without leading zeros. */
export function arrayPosition(part: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1;
}

/** Names that every object inherits must be checked; for the others a plain read is enough, and faster. */
export function fieldReader(name: string): Reader {
  return name in Object.prototype ? (doc) => own(doc, name) : (doc) => doc[name];
}

/**
 * Whether `visit` accepts a value at the path, as the matcher sees it: arrays on the way are traversed one
 * level, a number also addresses a position. A branch that ends early gives `undefined`; an array on the
 * way without documents gives nothing at all, which is why `{'a.b': null}` does not match `{a: [1]}`.
 */
export function someAt(doc: Doc, path: Path, visit: Visit, from = 0): boolean {
  const value = own(doc, path.parts[from] as string);
  if (from === path.parts.length - 1) return visit(value, true);
  if (Array.isArray(value)) return someInArray(value, path, visit, from + 1);
  return isDoc(value) ? someAt(value, path, visit, from + 1) : visit(undefined, true);
}

function someInArray(array: readonly unknown[], path: Path, visit: Visit, from: number): boolean {
  for (const element of array) {
    if (isDoc(element) && someAt(element, path, visit, from)) return true;
  }
  const position = path.positions[from] as number;
  if (position < 0 || position >= array.length) return false;
  const element = array[position];
  if (from === path.parts.length - 1) return visit(element, false);
  if (Array.isArray(element)) return someInArray(element, path, visit, from + 1);
  return isDoc(element) && someAt(element, path, visit, from + 1);
}

const parsed = new Map<string, Path>();

/** Index paths are few and used for every document: parse each once. */
function cachedPath(text: string): Path {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const path = parsePath(text);
  if (parsed.size < 1000) parsed.set(text, path);
  return path;
}

/**
 * The keys under which an index files the document: a final array gives its elements (not itself), `[]`
 * gives `EMPTY_ARRAY`, a missing field gives `null`, also once for each document in an array that lacks it.
 * Never empty; may repeat. Every scalar or document that the matcher can find at the path is among them;
 * a condition on a whole array is not answerable from these keys.
 */
export function valuesAt(doc: Doc, path: string): unknown[] {
  const values: unknown[] = [];
  someAt(doc, cachedPath(path), (value) => {
    if (!Array.isArray(value)) values.push(value === undefined ? null : value);
    else if (value.length === 0) values.push(EMPTY_ARRAY);
    else for (const element of value) values.push(element);
    return false;
  });
  return values.length === 0 ? [null] : values;
}
