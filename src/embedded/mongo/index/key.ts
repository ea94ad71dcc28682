import type { Binary, BSONRegExp, BSONSymbol, Code, Long, ObjectId, Timestamp } from 'bson';
import { MongoFault } from '../language/index.js';

/**
 * Values as strings whose order by code unit is MongoDB's order of the values. Each character is one byte
 * (at most 0xff), no encoding is a prefix of another, so a compound key is simply their concatenation and
 * a descending field is the complement of its bytes. The first byte is the type.
 */
export const Tag = {
  minKey: '\x10',
  emptyArray: '\x14',
  nothing: '\x18',
  number: '\x20',
  string: '\x28',
  object: '\x30',
  array: '\x38',
  binary: '\x40',
  objectId: '\x48',
  boolean: '\x50',
  date: '\x58',
  timestamp: '\x60',
  regex: '\x68',
  code: '\x70',
  maxKey: '\xe0',
} as const;

/** Sorts after each key that starts with what stands before it: no key has a character above 0xff. */
export const AFTER = '\u0100';

const END = '\x01';
const PLAIN = /^[\x02-\x7f]*$/;
const scratch = Buffer.alloc(8);

/** @throws MongoFault for values that this server cannot order in an index (Decimal128). */
export function encodeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return Tag.string + text(value);
    case 'number':
      return Tag.number + numberBytes(value);
    case 'bigint':
      return Tag.number + integerBytes(value);
    case 'boolean':
      return Tag.boolean + (value ? '\x02' : '\x01');
    case 'undefined':
      return Tag.nothing;
    // EMPTY_ARRAY of the language: an array without elements, below null.
    case 'symbol':
      return Tag.emptyArray;
    default:
      return value === null ? Tag.nothing : encodeObject(value as object);
  }
}

/** The encoding, or `undefined` where a value has none: for query bounds, which may fall back on a scan. */
export function tryEncode(value: unknown): string | undefined {
  try {
    return encodeValue(value);
  } catch {
    return undefined;
  }
}

/** The bytes for a field in descending order. */
export function complement(key: string): string {
  let result = '';
  for (let i = 0; i < key.length; i++) result += String.fromCharCode(0xff - key.charCodeAt(i));
  return result;
}

/** The start of the encoding of every string that begins with `prefix`. */
export const stringPrefix = (prefix: string): string => Tag.string + text(prefix).slice(0, -1);

function encodeObject(value: object): string {
  if (Array.isArray(value)) return Tag.array + value.map(encodeValue).join('') + END;
  if (value instanceof Date) return Tag.date + numberBytes(value.getTime());
  switch (Object.hasOwn(value, '_bsontype') ? undefined : (value as { _bsontype?: string })._bsontype) {
    case undefined:
      return Tag.object + fields(value) + END;
    case 'ObjectId':
      return Tag.objectId + latin1((value as ObjectId).id);
    case 'Long':
      return Tag.number + longBytes(value as Long);
    case 'Int32':
    case 'Double':
      return Tag.number + numberBytes(Number(value));
    default:
      return encodeRare(value as { _bsontype: string });
  }
}

function encodeRare(value: { _bsontype: string }): string {
  switch (value._bsontype) {
    case 'Binary':
      return Tag.binary + binary(value as Binary);
    case 'Timestamp':
      scratch.writeBigUInt64BE((value as unknown as Timestamp).toBigInt());
      return Tag.timestamp + latin1(scratch);
    case 'BSONRegExp':
      return Tag.regex + text((value as BSONRegExp).pattern) + text((value as BSONRegExp).options);
    case 'BSONSymbol':
      return Tag.string + text((value as BSONSymbol).valueOf());
    case 'Code':
      return Tag.code + text((value as Code).code);
    case 'MinKey':
      return Tag.minKey;
    case 'MaxKey':
      return Tag.maxKey;
    default:
      throw new MongoFault(115, 'CommandNotSupported', `the embedded server cannot index a ${value._bsontype}`);
  }
}

/** MongoDB compares documents by type, then name, then value of each field in turn. */
function fields(value: object): string {
  let result = '';
  for (const [name, field] of Object.entries(value)) {
    const encoded = encodeValue(field);
    result += encoded.slice(0, 1) + text(name) + encoded.slice(1);
  }
  return result;
}

/** UTF-8 order is code point order. NUL ends a string; NUL and 0x01 inside it are escaped. */
function text(value: string): string {
  if (PLAIN.test(value)) return `${value}\0`;
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  return `${bytes.replace(/[\0\x01]/g, (found) => (found === '\0' ? '\x01\x01' : '\x01\x02'))}\0`;
}

function binary(value: Binary): string {
  scratch.writeUInt32BE(value.position);
  return (
    latin1(scratch.subarray(0, 4)) +
    String.fromCharCode(value.sub_type) +
    latin1(value.buffer.subarray(0, value.position))
  );
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const EXACT = 2 ** 53;

/** Eight bytes, and two more (the distance to the double below) where integers are finer than doubles. */
function numberBytes(value: number): string {
  const bytes = doubleBytes(value);
  return Math.abs(value) < EXACT || !Number.isFinite(value) ? bytes : `${bytes}\0\0`;
}

function doubleBytes(value: number): string {
  if (Number.isNaN(value)) return '\0\0\0\0\0\0\0\0';
  scratch.writeDoubleBE(value + 0);
  if ((scratch[0] as number) < 0x80) scratch[0] = (scratch[0] as number) | 0x80;
  else for (let i = 0; i < 8; i++) scratch[i] = ~(scratch[i] as number) & 0xff;
  return scratch.toString('latin1');
}

function longBytes(value: Long): string {
  const double = value.toNumber();
  return Math.abs(double) < EXACT ? doubleBytes(double) : integerBytes(value.toBigInt());
}

function integerBytes(value: bigint): string {
  let below = Number(value);
  if (Math.abs(below) < EXACT) return doubleBytes(below);
  if (BigInt(below) > value) below = doubleBefore(below);
  const rest = Number(value - BigInt(below));
  return doubleBytes(below) + String.fromCharCode(rest >>> 8, rest & 0xff);
}

function doubleBefore(value: number): number {
  scratch.writeDoubleBE(value);
  scratch.writeBigUInt64BE(scratch.readBigUInt64BE() + (value > 0 ? -1n : 1n));
  return scratch.readDoubleBE();
}
