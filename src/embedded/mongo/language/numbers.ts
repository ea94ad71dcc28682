import { Decimal128, Double, Int32, Long } from 'bson';
import { type Numeric, isInt32 } from './values.js';

export type NumberType = 'int' | 'long' | 'double' | 'decimal';

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

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
