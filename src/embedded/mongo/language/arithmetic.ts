import { Decimal128 } from 'bson';
import {
  DECIMAL_DIGITS,
  type Decimal,
  align,
  asDecimal,
  comparable,
  exact,
  fromDecimal,
  roundHalfEven,
} from './decimal.js';
import { double, integer, numberType, toBigInt, toDouble } from './numbers.js';
import { type Numeric, isInt32 } from './values.js';

type Operation = 'add' | 'multiply';

/** Sum or product in the wider of the two types; int32 overflows into int64, int64 into double. */
export function arithmetic(operation: Operation, a: Numeric, b: Numeric): Numeric {
  const types = new Set([numberType(a), numberType(b)]);
  if (types.has('decimal')) return decimalArithmetic(operation, a, b);
  if (types.has('double')) {
    const [x, y] = [toDouble(a), toDouble(b)];
    return double(operation === 'add' ? x + y : x * y);
  }
  if (!types.has('long')) {
    const plain = operation === 'add' ? toDouble(a) + toDouble(b) : toDouble(a) * toDouble(b);
    if (isInt32(plain)) return plain;
  }
  const [x, y] = [toBigInt(a), toBigInt(b)];
  return integer(operation === 'add' ? x + y : x * y, types.has('long') ? 'long' : 'int');
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
  const types = new Set([numberType(a), numberType(b)]);
  if (types.has('decimal')) {
    const [x, y] = [asDecimal(a), asDecimal(b)];
    if (x === undefined || y === undefined) return Decimal128.fromString(String(toDouble(a) % toDouble(b)));
    const [left, right, exponent] = align(x, y);
    return fromDecimal({ coefficient: left % right, exponent });
  }
  if (types.has('double')) return double(toDouble(a) % toDouble(b));
  return integer(toBigInt(a) % toBigInt(b), types.has('long') ? 'long' : 'int');
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
