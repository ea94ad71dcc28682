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

/** Exact also at the ends: -(-2^31) is an int64. */
export function negate(value: Numeric): Numeric {
  if (numberType(value) === 'double') return double(-toDouble(value));
  return arithmetic('multiply', value, -1);
}

/** A double, or a decimal if one of them is. The divisor must not be zero. */
export function quotient(a: Numeric, b: Numeric): Numeric {
  if (numberType(a) !== 'decimal' && numberType(b) !== 'decimal') return double(toDouble(a) / toDouble(b));
  const [x, y] = [asDecimal(a), asDecimal(b)];
  if (x === undefined || y === undefined) return Decimal128.fromString(String(toDouble(a) / toDouble(b)));
  const spare = 2 * DECIMAL_DIGITS + y.coefficient.toString().length;
  const coefficient = (x.coefficient * 10n ** BigInt(spare)) / y.coefficient;
  return fromDecimal(withoutZeros({ coefficient, exponent: x.exponent - spare - y.exponent }, x.exponent - y.exponent));
}

/** Drops trailing zeros down to the exponent that the division would have by hand. */
function withoutZeros({ coefficient, exponent }: Decimal, ideal: number): Decimal {
  let digits = coefficient;
  let power = exponent;
  while (power < ideal && digits % 10n === 0n) {
    digits /= 10n;
    power++;
  }
  return { coefficient: digits, exponent: power };
}

/** With the sign of the dividend. The divisor must not be zero. */
export function remainder(a: Numeric, b: Numeric): Numeric {
  const types = [numberType(a), numberType(b)];
  if (types.includes('decimal')) {
    const [x, y] = [asDecimal(a), asDecimal(b)];
    if (x === undefined || y === undefined) return Decimal128.fromString(String(toDouble(a) % toDouble(b)));
    const [left, right, exponent] = align(x, y);
    return fromDecimal({ coefficient: left % right, exponent });
  }
  if (types.includes('double')) return double(toDouble(a) % toDouble(b));
  return integer(toBigInt(a) % toBigInt(b), types.includes('long') ? 'long' : 'int');
}

export type Rounding = 'floor' | 'ceil' | 'trunc' | 'halfEven';

/** On the exact value, so that 0.15 (a little less in binary) rounds to 0.1. Types stay as they are. */
export function rounded(value: Numeric, places: number, mode: Rounding): Numeric {
  const type = numberType(value);
  const content = comparable(value);
  if (typeof content === 'number' && !Number.isFinite(content)) return value;
  const { coefficient, exponent } = exact(content);
  const drop = -places - exponent;
  if (drop <= 0) return value;
  const result = { coefficient: dropDigits(coefficient, drop, mode), exponent: -places };
  if (type === 'decimal') return fromDecimal(result);
  const text = `${String(result.coefficient)}E${String(result.exponent)}`;
  if (type === 'double') return double(Number(text));
  return integer(result.coefficient * 10n ** BigInt(result.exponent), type);
}

function dropDigits(coefficient: bigint, drop: number, mode: Rounding): bigint {
  if (mode === 'halfEven') return roundHalfEven(coefficient, drop);
  const unit = 10n ** BigInt(drop);
  const towardsZero = coefficient / unit;
  const rest = coefficient % unit;
  if (mode === 'floor' && rest < 0n) return towardsZero - 1n;
  return mode === 'ceil' && rest > 0n ? towardsZero + 1n : towardsZero;
}
