import { Long, ObjectId } from 'bson';
import { type Forms, isNullish, operator } from './expression.js';
import { MongoFault, located } from './fault.js';
import { double, integer, numberType, toBigInt, toDouble } from './numbers.js';
import { truthy } from './truth.js';
import { type Numeric, isNumeric, typeName } from './values.js';

const ONE = [1, 1] as const;

/** What cannot be converted is a fault, as without `onError` in MongoDB; null and missing give null. */
export const CONVERSIONS: Forms = {
  $type: operator('$type', ONE, ([value]) => typeName(value)),
  $isNumber: operator('$isNumber', ONE, ([value]) => isNumeric(value)),
  $toString: convert('$toString', (value) => textOf(value)),
  $toBool: convert('$toBool', (value) => truthy(value)),
  $toInt: convert('$toInt', (value) => wholeOf(value, 'int')),
  $toLong: convert('$toLong', (value) => wholeOf(value, 'long')),
  $toDouble: convert('$toDouble', (value) => {
    const number = numberOf(value, 'double');
    return double(toDouble(number));
  }),
  $toDate: convert('$toDate', (value) => dateFrom(value)),
  $toObjectId: convert('$toObjectId', (value) => {
    if (value instanceof ObjectId) return value;
    if (typeof value === 'string' && /^[0-9a-f]{24}$/i.test(value)) return new ObjectId(value);
    throw failed(value, 'objectId');
  }),
};

function convert(name: string, apply: (value: unknown) => unknown): Forms[string] {
  return operator(name, ONE, ([value]) => (isNullish(value) ? null : apply(value)));
}

function failed(value: unknown, type: string): MongoFault {
  const reason =
    typeof value === 'string'
      ? `Failed to parse '${value}' as ${type}`
      : `Unsupported conversion from ${typeName(value)} to ${type} in $convert with no onError value`;
  return new MongoFault(241, 'ConversionFailure', reason);
}

/** How the operators on text read a value that is not one. */
export function plainText(value: unknown): string {
  if (isNullish(value)) return '';
  if (typeof value === 'string') return value;
  if (isNumeric(value) || value instanceof Date) return textOf(value);
  throw located(16007, `can't convert from BSON type ${typeName(value)} to String`);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || isNumeric(value)) return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof ObjectId) return value.toHexString();
  throw failed(value, 'string');
}

function numberOf(value: unknown, type: string): Numeric {
  if (isNumeric(value)) return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date && type !== 'int') return Long.fromNumber(value.getTime());
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return readNumber(value, type);
  throw failed(value, type);
}

function readNumber(text: string, type: string): Numeric {
  if (type === 'double') return double(Number(text));
  if (!/^[+-]?\d+$/.test(text)) throw failed(text, type);
  return Long.fromBigInt(BigInt(text.replace('+', '')));
}

function wholeOf(value: unknown, type: 'int' | 'long'): Numeric {
  const number = numberOf(value, type);
  const plain = toDouble(number);
  if (!Number.isFinite(plain)) throw failed(value, type);
  const result = integer(toBigInt(number), type);
  if (numberType(result) !== type) {
    throw new MongoFault(
      241,
      'ConversionFailure',
      `Conversion would overflow target type in $convert with no onError value: ${String(plain)}`,
    );
  }
  return result;
}

function dateFrom(value: unknown): Date {
  if (value instanceof Date) return value;
  if (value instanceof ObjectId) return value.getTimestamp();
  if (isNumeric(value) && numberType(value) !== 'int') return new Date(Math.trunc(toDouble(value)));
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
  if (typeof value === 'string' && iso.test(value)) {
    const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value.slice(10)) || value.length === 10;
    const date = new Date(zoned ? value : `${value}Z`);
    if (!Number.isNaN(date.getTime())) return date;
  }
  throw failed(value, 'date');
}
