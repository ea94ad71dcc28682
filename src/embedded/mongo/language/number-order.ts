import { type Decimal, align, comparable, exact } from './decimal.js';
import { toDouble } from './numbers.js';
import type { Numeric } from './values.js';

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

function compareDecimals(a: number | bigint | Decimal, b: number | bigint | Decimal): number {
  if (a === Infinity || b === -Infinity) return 1;
  if (a === -Infinity || b === Infinity) return -1;
  const [x, y] = align(exact(a), exact(b));
  return x < y ? -1 : x > y ? 1 : 0;
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
