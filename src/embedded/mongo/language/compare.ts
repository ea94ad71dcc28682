import { Binary, type BSONRegExp, type BSONSymbol, type Code, type DBRef, type ObjectId, type Timestamp } from 'bson';
import type { Doc } from './fault.js';
import { compareNumbers, numberKey } from './number-order.js';
import { type Numeric, Rank, bsonTag, rankOf } from './values.js';

/**
 * MongoDB's total order over all values. `undefined` stands for a missing field and equals null. Strings
 * compare by code point; documents field by field: type, then name, then value.
 */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  const rank = rankOf(a);
  const difference = rank - rankOf(b);
  return difference === 0 ? compareSameRank(rank, a, b) : difference;
}

/** BSON equality: the order of fields matters, the type of a number does not. */
export function valuesEqual(a: unknown, b: unknown): boolean {
  return a === b || compareValues(a, b) === 0;
}

export function compareSameRank(rank: number, a: unknown, b: unknown): number {
  switch (rank) {
    case Rank.number:
      return compareNumbers(a as Numeric, b as Numeric);
    case Rank.string:
      return compareStrings(textOf(a), textOf(b));
    case Rank.object:
      return compareDocs(fieldsOf(a), fieldsOf(b));
    case Rank.array:
      return compareArrays(a as unknown[], b as unknown[]);
    case Rank.binary:
      return compareBinary(binaryOf(a), binaryOf(b));
    case Rank.objectId:
      return compareBytes((a as ObjectId).id, (b as ObjectId).id);
    case Rank.boolean:
      return Number(a) - Number(b);
    case Rank.date:
      return compareNumbers((a as Date).getTime(), (b as Date).getTime());
    case Rank.timestamp:
      return (a as Timestamp).compare(b as Timestamp);
    case Rank.regex:
      return compareRegexes(a, b);
    case Rank.code:
      return compareStrings((a as Code).code, (b as Code).code);
    default:
      return 0;
  }
}

/** Code point order. UTF-16 agrees except that surrogates must come after U+E000 to U+FFFF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return unitWeight(x) - unitWeight(y);
  }
  return a.length - b.length;
}

const unitWeight = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

function compareDocs(a: Doc, b: Doc): number {
  const names = Object.keys(a);
  const others = Object.keys(b);
  const length = Math.min(names.length, others.length);
  for (let i = 0; i < length; i++) {
    const name = names[i] as string;
    const other = others[i] as string;
    const x = a[name];
    const y = b[other];
    const rank = rankOf(x);
    const difference = rank - rankOf(y) || compareStrings(name, other) || compareSameRank(rank, x, y);
    if (difference !== 0) return difference;
  }
  return names.length - others.length;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = compareValues(a[i], b[i]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareBinary(a: Binary, b: Binary): number {
  return a.position - b.position || a.sub_type - b.sub_type || compareBytes(bytesOf(a), bytesOf(b));
}

const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

function compareRegexes(a: unknown, b: unknown): number {
  const [pattern, flags] = regexOf(a);
  const [otherPattern, otherFlags] = regexOf(b);
  return compareStrings(pattern, otherPattern) || compareStrings(flags, otherFlags);
}

function regexOf(value: unknown): [string, string] {
  if (value instanceof RegExp) return [value.source, value.flags.replaceAll(/[^imsx]/g, '')];
  const { pattern, options } = value as BSONRegExp;
  return [pattern, options];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (value as BSONSymbol).valueOf());
const binaryOf = (value: unknown): Binary => (value instanceof Binary ? value : new Binary(value as Uint8Array));
const bytesOf = (value: Binary): Uint8Array => value.buffer.subarray(0, value.position);

/** A DBRef is a document that the format dresses up. */
function fieldsOf(value: unknown): Doc {
  return bsonTag(value as object) === 'DBRef' ? (value as DBRef).toJSON() : (value as Doc);
}

/** A text that two values share exactly when `valuesEqual` holds: for hash tables instead of comparing. */
export function hashKey(value: unknown): string {
  const rank = rankOf(value);
  switch (rank) {
    case Rank.string:
      return `s${JSON.stringify(textOf(value))}`;
    case Rank.number:
      return `n${numberKey(value as Numeric)}`;
    case Rank.object:
      return `{${Object.entries(fieldsOf(value))
        .map(([name, field]) => `${JSON.stringify(name)}:${hashKey(field)}`)
        .join()}}`;
    case Rank.array:
      return `[${(value as unknown[]).map(hashKey).join()}]`;
    case Rank.date:
      return `d${String((value as Date).getTime())}`;
    case Rank.objectId:
      return `o${(value as ObjectId).toHexString()}`;
    default:
      return otherHashKey(rank, value);
  }
}

function otherHashKey(rank: number, value: unknown): string {
  switch (rank) {
    case Rank.boolean:
      return String(value);
    case Rank.binary: {
      const binary = binaryOf(value);
      return `b${String(binary.sub_type)}:${Buffer.from(bytesOf(binary)).toString('base64')}`;
    }
    case Rank.timestamp:
      return `t${(value as Timestamp).toBigInt()}`;
    case Rank.regex:
      return `r${JSON.stringify(regexOf(value))}`;
    case Rank.code:
      return `c${JSON.stringify((value as Code).code)}`;
    default:
      return `#${String(rank)}`;
  }
}
