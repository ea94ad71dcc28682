import { type BSONValue, Decimal128, Double, Int32, Long } from 'bson';
import type { Doc } from './fault.js';

/**
 * The key under which an index files an empty array. MongoDB gives `[]` a place of its own below null,
 * so that `{a: []}` and `{}` neither collide in a unique index nor sort alike.
 */
export const EMPTY_ARRAY: unique symbol = Symbol('empty array');

/** Places in MongoDB's order of types; equal rank means that two values are compared by content. */
export const Rank = {
  minKey: 0,
  emptyArray: 1,
  nothing: 2,
  number: 3,
  string: 4,
  object: 5,
  array: 6,
  binary: 7,
  objectId: 8,
  boolean: 9,
  date: 10,
  timestamp: 11,
  regex: 12,
  code: 13,
  maxKey: 14,
} as const;

const BSON_RANK: Readonly<Record<string, number>> = {
  MinKey: Rank.minKey,
  Int32: Rank.number,
  Double: Rank.number,
  Long: Rank.number,
  Decimal128: Rank.number,
  BSONSymbol: Rank.string,
  Binary: Rank.binary,
  ObjectId: Rank.objectId,
  Timestamp: Rank.timestamp,
  BSONRegExp: Rank.regex,
  Code: Rank.code,
  DBRef: Rank.object,
  MaxKey: Rank.maxKey,
};

export function rankOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return Rank.string;
    case 'number':
    case 'bigint':
      return Rank.number;
    case 'boolean':
      return Rank.boolean;
    case 'object':
      return value === null ? Rank.nothing : rankOfObject(value);
    case 'symbol':
      return Rank.emptyArray;
    default:
      return Rank.nothing;
  }
}

function rankOfObject(value: object): number {
  if (Array.isArray(value)) return Rank.array;
  if (value instanceof Date) return Rank.date;
  if (value instanceof RegExp) return Rank.regex;
  if (value instanceof Uint8Array) return Rank.binary;
  const tag = bsonTag(value);
  return tag === undefined ? Rank.object : (BSON_RANK[tag] ?? Rank.object);
}

/**
 * `_bsontype` of a BSON class, `undefined` for a document. The classes inherit it from their prototype;
 * a stored document that has a field of that name owns it and stays a document.
 */
export function bsonTag(value: object): string | undefined {
  const tag = (value as Partial<BSONValue>)._bsontype;
  return tag === undefined || Object.hasOwn(value, '_bsontype') ? undefined : tag;
}

/** A stored sub-document: not an array, not a date, not one of the BSON classes. */
export function isDoc(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && rankOfObject(value) === Rank.object;
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || rankOf(value) === Rank.number;
}

export type Numeric = number | bigint | Int32 | Double | Long | Decimal128;

/** Types as `$type` and the error messages spell them. */
const BSON_NAME: Readonly<Record<string, string>> = {
  MinKey: 'minKey',
  Int32: 'int',
  Double: 'double',
  Long: 'long',
  Decimal128: 'decimal',
  BSONSymbol: 'symbol',
  Binary: 'binData',
  ObjectId: 'objectId',
  Timestamp: 'timestamp',
  BSONRegExp: 'regex',
  Code: 'javascript',
  DBRef: 'object',
  MaxKey: 'maxKey',
};

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;

/** Whether a plain number stands for an int32; every other plain number is a double, as `bson` writes it. */
export function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= INT32_MIN && value <= INT32_MAX && !Object.is(value, -0);
}

/** `missing` for `undefined`, like `$type` in an aggregation. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return isInt32(value) ? 'int' : 'double';
    case 'bigint':
      return 'long';
    case 'boolean':
      return 'bool';
    case 'object':
      return value === null ? 'null' : objectTypeName(value);
    default:
      return 'missing';
  }
}

function objectTypeName(value: object): string {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (value instanceof RegExp) return 'regex';
  if (value instanceof Uint8Array) return 'binData';
  const tag = bsonTag(value);
  return tag === undefined ? 'object' : (BSON_NAME[tag] ?? 'object');
}

/** Own property or `undefined`: `constructor` and `__proto__` are names like any other in a document. */
export function own(doc: Doc, key: string): unknown {
  return Object.hasOwn(doc, key) ? doc[key] : undefined;
}

/** Assignment that makes `__proto__` an ordinary field instead of changing the prototype. */
export function put(doc: Doc, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(doc, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    doc[key] = value;
  }
}
