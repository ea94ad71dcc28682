import { Decimal128, Double, Int32, Long } from 'bson';
import { type Numeric, isInt32 } from './values.js';

export type NumberType = 'int' | 'long' | 'double' | 'decimal';

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
const DECIMAL_DIGITS = 34;

export function numberType(value: Numeric): NumberType {
  if (typeof value === 'number') return isInt32(value) ? 'int' : 'double';
  if (typeof value === 'bigint' || value instanceof Long) return 'long';
  if (value instanceof Int32) return 'int';
  return value instanceof Double ? 'double' : 'decimal';
}

/** Nearest double. */
export function toDouble(value: Numeric): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Long) return value.toNumber();
  if (value instanceof Decimal128) return Number(value.toString());
  return value.valueOf();
}

/** A double that stays one: a plain integral number would be written as an int32. */
export function double(value: number): number | Double {
  return isInt32(value) ? new Double(value) : value;
}

/** An integer in the smallest of int32 and int64 that `least` allows; beyond int64 a double. */
export function integer(value: bigint, least: 'int' | 'long'): Numeric {
  if (least === 'int' && value >= -0x80000000n && value <= 0x7fffffffn) return Number(value);
  if (value >= LONG_MIN && value <= LONG_MAX) return Long.fromBigInt(value);
  return double(Number(value));
}

export function toBigInt(value: Numeric): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Long) return value.toBigInt();
  return BigInt(Math.trunc(toDouble(value)));
}

/** coefficient × 10^exponent; `undefined` for NaN and the infinities. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(`${whole}${fraction}` || '0');
  return { coefficient: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length };
}

/** MongoDB takes 15 significant digits of a double when it meets a decimal in arithmetic. */
function asDecimal(value: Numeric): Decimal | undefined {
  if (typeof value === 'bigint' || value instanceof Long) return { coefficient: toBigInt(value), exponent: 0 };
  if (value instanceof Decimal128) return parseDecimal(value.toString());
  const plain = toDouble(value);
  if (!Number.isFinite(plain)) return undefined;
  return parseDecimal(Number.isInteger(plain) ? String(BigInt(plain)) : plain.toPrecision(15));
}

function fromDecimal({ coefficient, exponent }: Decimal): Decimal128 {
  const digits = (coefficient < 0n ? -coefficient : coefficient).toString().length;
  if (digits <= DECIMAL_DIGITS) return Decimal128.fromString(`${String(coefficient)}E${String(exponent)}`);
  const drop = digits - DECIMAL_DIGITS;
  return Decimal128.fromString(`${String(roundHalfEven(coefficient, drop))}E${String(exponent + drop)}`);
}

function roundHalfEven(coefficient: bigint, drop: number): bigint {
  const unit = 10n ** BigInt(drop);
  const quotient = coefficient / unit;
  const twice = (coefficient % unit) * 2n;
  const size = twice < 0n ? -twice : twice;
  const up = size > unit || (size === unit && quotient % 2n !== 0n);
  return up ? quotient + (coefficient < 0n ? -1n : 1n) : quotient;
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = (value: Decimal): bigint => value.coefficient * 10n ** BigInt(value.exponent - exponent);
  return [scale(a), scale(b), exponent];
}

type Operation = 'add' | 'multiply';

/** Sum or product in the wider of the two types; int32 overflows into int64, int64 into double. */
export function arithmetic(operation: Operation, a: Numeric, b: Numeric): Numeric {
  const types = [numberType(a), numberType(b)];
  if (types.includes('decimal')) return decimalArithmetic(operation, a, b);
  if (types.includes('double')) {
    const [x, y] = [toDouble(a), toDouble(b)];
    return double(operation === 'add' ? x + y : x * y);
  }
  if (!types.includes('long')) {
    const plain = operation === 'add' ? toDouble(a) + toDouble(b) : toDouble(a) * toDouble(b);
    if (isInt32(plain)) return plain;
  }
  const [x, y] = [toBigInt(a), toBigInt(b)];
  return integer(operation === 'add' ? x + y : x * y, types.includes('long') ? 'long' : 'int');
}

function decimalArithmetic(operation: Operation, a: Numeric, b: Numeric): Decimal128 {
  const [x, y] = [asDecimal(a), asDecimal(b)];
  if (x === undefined || y === undefined) {
    const special = operation === 'add' ? toDouble(a) + toDouble(b) : toDouble(a) * toDouble(b);
    return Decimal128.fromString(String(special));
  }
  if (operation === 'multiply') {
    return fromDecimal({ coefficient: x.coefficient * y.coefficient, exponent: x.exponent + y.exponent });
  }
  const [left, right, exponent] = align(x, y);
  return fromDecimal({ coefficient: left + right, exponent });
}

/** Exact, across types; NaN equals NaN and is below every other number. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  if (typeof a === 'number' && typeof b === 'number') return comparePlain(a, b);
  const x = comparable(a);
  const y = comparable(b);
  if (typeof x === 'number' && typeof y === 'number') return comparePlain(x, y);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(!Number.isNaN(x)) - Number(!Number.isNaN(y));
  if (typeof x !== 'object' && typeof y !== 'object') return x < y ? -1 : x > y ? 1 : 0;
  return compareDecimals(x, y);
}

function comparePlain(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(!Number.isNaN(a)) - Number(!Number.isNaN(b));
}

function comparable(value: Numeric): number | bigint | Decimal {
  if (value instanceof Long) return value.toBigInt();
  if (!(value instanceof Decimal128)) return typeof value === 'bigint' ? value : toDouble(value);
  return parseDecimal(value.toString()) ?? toDouble(value);
}

function compareDecimals(a: number | bigint | Decimal, b: number | bigint | Decimal): number {
  if (a === Infinity || b === -Infinity) return 1;
  if (a === -Infinity || b === Infinity) return -1;
  const [x, y] = align(exact(a), exact(b));
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Every double is a finite decimal: m × 2^-k = m × 5^k × 10^-k. */
function exact(value: number | bigint | Decimal): Decimal {
  if (typeof value === 'object') return value;
  if (typeof value === 'bigint') return { coefficient: value, exponent: 0 };
  let mantissa = value;
  let places = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    places++;
  }
  return { coefficient: BigInt(mantissa) * 5n ** BigInt(places), exponent: -places };
}

/** One text per numeric value, whatever its type. */
export function numberKey(value: Numeric): string {
  if (typeof value === 'number') return plainKey(value);
  const content = comparable(value);
  if (typeof content === 'number') return plainKey(content);
  if (typeof content === 'bigint') return content.toString();
  const nearest = toDouble(value);
  if (compareNumbers(nearest, value) === 0) return plainKey(nearest);
  let { coefficient, exponent } = content;
  while (coefficient % 10n === 0n && coefficient !== 0n) {
    coefficient /= 10n;
    exponent++;
  }
  return exponent >= 0
    ? (coefficient * 10n ** BigInt(exponent)).toString()
    : `${String(coefficient)}E${String(exponent)}`;
}

function plainKey(value: number): string {
  return Number.isSafeInteger(value) || !Number.isInteger(value) ? String(value + 0) : BigInt(value).toString();
}
