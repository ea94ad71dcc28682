import { Long } from 'bson';
import { type Forms, isNullish, operator } from './expression.js';
import { badValue, located, typeMismatch } from './fault.js';
import { type Rounding, arithmetic, negate, quotient, remainder, rounded } from './arithmetic.js';
import { toDouble } from './numbers.js';
import { type Numeric, isNumeric, typeName } from './values.js';

const MANY = [0, Infinity] as const;
const ONE = [1, 1] as const;
const TWO = [2, 2] as const;

export const ARITHMETIC: Forms = {
  $add: operator('$add', MANY, (args) => add(args)),
  $subtract: operator('$subtract', TWO, ([a, b]) => subtract(a, b)),
  $multiply: operator('$multiply', MANY, (args) => {
    if (args.some(isNullish)) return null;
    return args.reduce<Numeric>((product, value) => {
      if (!isNumeric(value)) throw typeMismatch(`$multiply only supports numeric types, not ${typeName(value)}`);
      return arithmetic('multiply', product, value);
    }, 1);
  }),
  $divide: operator('$divide', TWO, ([a, b]) => {
    if (isNullish(a) || isNullish(b)) return null;
    if (!isNumeric(a) || !isNumeric(b)) {
      throw typeMismatch(`$divide only supports numeric types, not ${typeName(a)} and ${typeName(b)}`);
    }
    if (toDouble(b) === 0) throw badValue("can't $divide by zero");
    return quotient(a, b);
  }),
  $mod: operator('$mod', TWO, ([a, b]) => {
    if (isNullish(a) || isNullish(b)) return null;
    if (!isNumeric(a) || !isNumeric(b)) {
      throw located(16611, `$mod only supports numeric types, not ${typeName(a)} and ${typeName(b)}`);
    }
    if (toDouble(b) === 0) throw located(16610, "can't $mod by zero");
    return remainder(a, b);
  }),
  $abs: operator('$abs', ONE, ([value]) => {
    const number = numberOrNull('$abs', value);
    return number !== null && toDouble(number) < 0 ? negate(number) : number;
  }),
  $ceil: operator('$ceil', ONE, ([value]) => round('$ceil', value, 0, 'ceil')),
  $floor: operator('$floor', ONE, ([value]) => round('$floor', value, 0, 'floor')),
  $round: operator('$round', [1, 2], ([value, place]) => round('$round', value, place ?? 0, 'halfEven')),
  $trunc: operator('$trunc', [1, 2], ([value, place]) => round('$trunc', value, place ?? 0, 'trunc')),
};

function numberOrNull(name: string, value: unknown): Numeric | null {
  if (isNullish(value)) return null;
  if (!isNumeric(value)) throw located(28765, `${name} only supports numeric types, not ${typeName(value)}`);
  return value;
}

function round(name: string, value: unknown, place: unknown, mode: Rounding): Numeric | null {
  const number = numberOrNull(name, value);
  const places = numberOrNull(name, place);
  if (number === null || places === null) return null;
  const digits = toDouble(places);
  if (!Number.isInteger(digits) || digits < -20 || digits > 100) {
    throw located(51083, `cannot apply ${name} with precision value ${String(digits)} value must be in [-20, 100]`);
  }
  return rounded(number, digits, mode);
}

function add(args: readonly unknown[]): unknown {
  if (args.some(isNullish)) return null;
  const dates = args.filter((value) => value instanceof Date);
  if (dates.length > 1) throw badValue('only one date allowed in an $add expression');
  const sum = args.reduce<Numeric>((total, value) => {
    if (value instanceof Date) return total;
    if (!isNumeric(value)) throw typeMismatch(`$add only supports numeric or date types, not ${typeName(value)}`);
    return arithmetic('add', total, value);
  }, 0);
  return dates[0] === undefined ? sum : shifted(dates[0], sum);
}

const shifted = (date: Date, milliseconds: Numeric): Date =>
  new Date(date.getTime() + Math.round(toDouble(milliseconds)));

function subtract(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  if (a instanceof Date && b instanceof Date) return Long.fromNumber(a.getTime() - b.getTime());
  if (a instanceof Date && isNumeric(b)) return shifted(a, negate(b));
  if (!isNumeric(a) || !isNumeric(b)) throw typeMismatch(`can't $subtract ${typeName(b)} from ${typeName(a)}`);
  return arithmetic('add', a, negate(b));
}
