import { Decimal128, Long } from 'bson';
import { toBigInt, toDouble } from './numbers.js';
import type { Numeric } from './values.js';

export const DECIMAL_DIGITS = 34;

/** coefficient × 10^exponent; `undefined` for NaN and the infinities. */
export interface Decimal {
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
export function asDecimal(value: Numeric): Decimal | undefined {
  if (typeof value === 'bigint' || value instanceof Long) return { coefficient: toBigInt(value), exponent: 0 };
  if (value instanceof Decimal128) return parseDecimal(value.toString());
  const plain = toDouble(value);
  if (!Number.isFinite(plain)) return undefined;
  return parseDecimal(Number.isInteger(plain) ? String(BigInt(plain)) : plain.toPrecision(15));
}

export function fromDecimal({ coefficient, exponent }: Decimal): Decimal128 {
  const digits = (coefficient < 0n ? -coefficient : coefficient).toString().length;
  if (digits <= DECIMAL_DIGITS) return Decimal128.fromString(`${String(coefficient)}E${String(exponent)}`);
  const drop = digits - DECIMAL_DIGITS;
  return Decimal128.fromString(`${String(roundHalfEven(coefficient, drop))}E${String(exponent + drop)}`);
}

export function roundHalfEven(coefficient: bigint, drop: number): bigint {
  const unit = 10n ** BigInt(drop);
  const quotient = coefficient / unit;
  const twice = (coefficient % unit) * 2n;
  const size = twice < 0n ? -twice : twice;
  const up = size > unit || (size === unit && quotient % 2n !== 0n);
  return up ? quotient + (coefficient < 0n ? -1n : 1n) : quotient;
}

export function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = (value: Decimal): bigint => value.coefficient * 10n ** BigInt(value.exponent - exponent);
  return [scale(a), scale(b), exponent];
}

export function comparable(value: Numeric): number | bigint | Decimal {
  if (value instanceof Long) return value.toBigInt();
  if (!(value instanceof Decimal128)) return typeof value === 'bigint' ? value : toDouble(value);
  return parseDecimal(value.toString()) ?? toDouble(value);
}

/** Every double is a finite decimal: m × 2^-k = m × 5^k × 10^-k. */
export function exact(value: number | bigint | Decimal): Decimal {
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
