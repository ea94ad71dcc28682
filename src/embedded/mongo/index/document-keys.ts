import { type Doc, EMPTY_ARRAY, MongoFault } from '../language/index.js';
import { complement, encodeValue } from './key.js';

export interface KeyField {
  /** Path split at its dots. */
  readonly path: readonly string[];
  readonly descending: boolean;
}

export interface DocumentKeys {
  /** Encoded compound keys, each once. */
  readonly keys: readonly string[];
  /** Positions of the fields whose path met an array. */
  readonly multikey: readonly number[];
  /** Whether no field of the index exists in the document, which a sparse index leaves out. */
  readonly absent: boolean;
}

/** How far a field has been followed: a value, and the part of the path that an array stopped. */
interface Reached {
  readonly value: unknown;
  readonly rest: readonly string[];
  readonly present: boolean;
}

const MISSING: Reached = { value: undefined, rest: [], present: false };

/** @throws MongoFault 171 when two different arrays meet in one index. */
export function documentKeys(doc: Doc, fields: readonly KeyField[]): DocumentKeys {
  const reached = fields.map((field) => follow(doc, field.path));
  const multikey = new Set<number>();
  const keys = new Set<string>();
  expand(reached, fields, multikey, keys);
  return { keys: [...keys], multikey: [...multikey], absent: reached.every((one) => !one.present) };
}

function follow(value: unknown, path: readonly string[]): Reached {
  let current = value;
  for (let i = 0; i < path.length; i++) {
    if (Array.isArray(current)) return { value: current, rest: path.slice(i), present: true };
    const name = path[i] as string;
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return MISSING;
    current = (current as Doc)[name];
  }
  return { value: current, rest: [], present: current !== undefined };
}

function expand(reached: Reached[], fields: readonly KeyField[], multikey: Set<number>, keys: Set<string>): void {
  const places = reached.flatMap((one, i) => (Array.isArray(one.value) && !settled.has(one) ? [i] : []));
  const array = reached[places[0] ?? -1]?.value as unknown[] | undefined;
  if (!array) {
    keys.add(reached.map((one, i) => component(one.value, fields[i] as KeyField)).join(''));
    return;
  }
  if (places.some((i) => reached[i]?.value !== array)) throw parallelArrays(fields, places);
  for (const i of places) multikey.add(i);
  for (const element of array.length === 0 ? [EMPTY_ARRAY] : array) {
    const next = reached.map((one, i) => (places.includes(i) ? ofElement(element, one.rest) : one));
    expand(next, fields, multikey, keys);
  }
}

/** Elements that are arrays themselves and end their path: MongoDB opens one level only. */
const settled = new WeakSet<Reached>();

function ofElement(element: unknown, rest: readonly string[]): Reached {
  if (rest.length > 0) return Array.isArray(element) || element === EMPTY_ARRAY ? MISSING : follow(element, rest);
  const reached: Reached = { value: element, rest, present: true };
  if (Array.isArray(element)) settled.add(reached);
  return reached;
}

function component(value: unknown, field: KeyField): string {
  const encoded = encodeValue(value);
  return field.descending ? complement(encoded) : encoded;
}

function parallelArrays(fields: readonly KeyField[], places: readonly number[]): MongoFault {
  const names = places.map((i) => `[${String(fields[i]?.path.at(-1))}]`).toReversed();
  return new MongoFault(
    171,
    'CannotIndexParallelArrays',
    `cannot index parallel arrays ${names.slice(0, 2).join(' ')}`,
  );
}
