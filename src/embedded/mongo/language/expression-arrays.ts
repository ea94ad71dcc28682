import { Sum } from './accumulate.js';
import { hashKey, valuesEqual } from './compare.js';
import {
  type Compile,
  type Expression,
  type Form,
  type Forms,
  bind,
  isNullish,
  named,
  operator,
} from './expression.js';
import { compareResults } from './expression-logic.js';
import { type Doc, located } from './fault.js';
import { toDouble } from './numbers.js';
import { truthy } from './truth.js';
import { isDoc, isNumeric, put, typeName } from './values.js';

const ONE = [1, 1] as const;
const TWO = [2, 2] as const;
const MANY = [0, Infinity] as const;

export const ARRAYS: Forms = {
  $size: operator('$size', ONE, ([array]) => {
    if (!Array.isArray(array)) {
      throw located(17124, `The argument to $size must be an array, but was of type: ${typeName(array)}`);
    }
    return array.length;
  }),
  $in: operator('$in', TWO, ([value, array]) => {
    if (!Array.isArray(array)) {
      throw located(40081, `$in requires an array as a second argument, found: ${typeName(array)}`);
    }
    return array.some((element) => compareResults(element, value) === 0);
  }),
  $isArray: operator('$isArray', ONE, ([value]) => Array.isArray(value)),
  $arrayElemAt: operator('$arrayElemAt', TWO, ([array, position]) => elementAt(array, position)),
  $first: operator('$first', ONE, ([array]) => elementAt(array, 0, '$first')),
  $last: operator('$last', ONE, ([array]) => elementAt(array, -1, '$last')),
  $slice: operator('$slice', [2, 3], (args) => slice(args)),
  $concatArrays: operator('$concatArrays', MANY, (args) => {
    if (args.some(isNullish)) return null;
    return args.flatMap((array) => {
      if (!Array.isArray(array)) throw located(28664, `$concatArrays only supports arrays, not ${typeName(array)}`);
      return array as unknown[];
    });
  }),
  $reverseArray: operator(
    '$reverseArray',
    ONE,
    ([array]) => arrayOrNull('$reverseArray', array, 34435)?.toReversed() ?? null,
  ),
  $setUnion: operator('$setUnion', MANY, (args) =>
    args.some(isNullish) ? null : distinct(args.flatMap((set) => setOf('$setUnion', set, 17043))),
  ),
  $setIntersection: operator('$setIntersection', MANY, (args) => {
    if (args.some(isNullish)) return null;
    const [first = [], ...others] = args.map((set) => setOf('$setIntersection', set, 17047));
    const keys = others.map((set) => new Set(set.map(hashKey)));
    return distinct(first).filter((value) => keys.every((set) => set.has(hashKey(value))));
  }),
  $setDifference: operator('$setDifference', TWO, ([a, b]) => {
    if (isNullish(a) || isNullish(b)) return null;
    const without = new Set(setOf('$setDifference', b, 17049).map(hashKey));
    return distinct(setOf('$setDifference', a, 17048)).filter((value) => !without.has(hashKey(value)));
  }),
  $filter: (operand, compile) => compileFilterForm(operand, compile),
  $map: (operand, compile) => compileMap(operand, compile),
  $reduce: (operand, compile) => compileReduce(operand, compile),
  $mergeObjects: operator('$mergeObjects', MANY, (args) => mergeObjects(args)),
  $sum: overNumbers('$sum', (sum) => sum.total),
  $avg: overNumbers('$avg', (sum) => sum.average),
  $min: overValues('$min', -1),
  $max: overValues('$max', 1),
};

function arrayOrNull(name: string, value: unknown, code: number): readonly unknown[] | null {
  if (isNullish(value)) return null;
  if (!Array.isArray(value))
    throw located(code, `The argument to ${name} must be an array, but was of type: ${typeName(value)}`);
  return value;
}

function setOf(name: string, value: unknown, code: number): readonly unknown[] {
  if (!Array.isArray(value))
    throw located(code, `All operands of ${name} must be arrays. One argument is of type: ${typeName(value)}`);
  return value;
}

/** In MongoDB's order, as its sets are. */
function distinct(values: readonly unknown[]): unknown[] {
  return values.toSorted(compareResults).filter((value, i, all) => i === 0 || !valuesEqual(value, all[i - 1]));
}

function elementAt(array: unknown, position: unknown, name = '$arrayElemAt'): unknown {
  if (isNullish(array) || isNullish(position)) return null;
  if (!Array.isArray(array))
    throw located(28689, `${name}'s first argument must be an array, but is ${typeName(array)}`);
  if (!isNumeric(position)) {
    throw located(28690, `${name}'s second argument must be a numeric value, but is ${typeName(position)}`);
  }
  return array.at(toDouble(position));
}

function slice([array, first, second]: readonly unknown[]): unknown {
  if (isNullish(array) || isNullish(first) || second === null) return null;
  if (!Array.isArray(array))
    throw located(28724, `First argument to $slice must be an array, but is of type: ${typeName(array)}`);
  if (!isNumeric(first) || (second !== undefined && !isNumeric(second))) {
    throw located(28725, 'The arguments of $slice after the array must be numeric');
  }
  const start = toDouble(first);
  if (second === undefined) return start < 0 ? array.slice(start) : array.slice(0, start);
  const count = toDouble(second);
  if (count <= 0) throw located(28729, `Third argument to $slice must be positive: ${String(count)}`);
  const from = start < 0 ? Math.max(array.length + start, 0) : start;
  return array.slice(from, from + count);
}

function compileFilterForm(operand: unknown, compile: Compile): Expression {
  const parts = named('$filter', operand, ['input', 'cond'], ['as', 'limit']);
  const name = variableName(parts['as']);
  const [input, test, limit] = [
    compile(parts['input']),
    compile(parts['cond'], [name]),
    compile(parts['limit'] ?? null),
  ];
  return (scope) => {
    const array = input(scope);
    if (isNullish(array)) return null;
    if (!Array.isArray(array)) throw located(28651, `input to $filter must be an array not ${typeName(array)}`);
    const most = limit(scope);
    const kept = array.filter((element) => truthy(test(bind(scope, name, element))));
    return isNumeric(most) ? kept.slice(0, toDouble(most)) : kept;
  };
}

const variableName = (as: unknown): string => (typeof as === 'string' ? as : 'this');

function compileMap(operand: unknown, compile: Compile): Expression {
  const parts = named('$map', operand, ['input', 'in'], ['as']);
  const name = variableName(parts['as']);
  const [input, body] = [compile(parts['input']), compile(parts['in'], [name])];
  return (scope) => {
    const array = input(scope);
    if (isNullish(array)) return null;
    if (!Array.isArray(array)) throw located(16883, `input to $map must be an array not ${typeName(array)}`);
    return array.map((element) => body(bind(scope, name, element)) ?? null);
  };
}

function compileReduce(operand: unknown, compile: Compile): Expression {
  const parts = named('$reduce', operand, ['input', 'initialValue', 'in'], []);
  const [input, initial] = [compile(parts['input']), compile(parts['initialValue'])];
  const body = compile(parts['in'], ['this', 'value']);
  return (scope) => {
    const array = input(scope);
    if (isNullish(array)) return null;
    if (!Array.isArray(array))
      throw located(40080, `$reduce requires that 'input' be an array, found: ${typeName(array)}`);
    return array.reduce<unknown>(
      (value, element) => body(bind(bind(scope, 'value', value), 'this', element)),
      initial(scope),
    );
  };
}

export function mergeObjects(values: readonly unknown[]): Doc {
  const result: Doc = {};
  for (const value of values) {
    if (isNullish(value)) continue;
    if (!isDoc(value))
      throw located(40400, `$mergeObjects requires object inputs, but input is of type ${typeName(value)}`);
    for (const [name, field] of Object.entries(value)) put(result, name, field);
  }
  return result;
}

/** With one argument that is an array these look at its elements, with several at the arguments. */
const operandsOf = (args: readonly unknown[]): readonly unknown[] =>
  args.length === 1 && Array.isArray(args[0]) ? (args[0] as unknown[]) : args;

function overNumbers(name: string, result: (sum: Sum) => unknown): Form {
  return operator(name, MANY, (args) => {
    const sum = new Sum();
    for (const value of operandsOf(args)) sum.add(value);
    return result(sum);
  });
}

function overValues(name: string, sign: 1 | -1): Form {
  return operator(name, MANY, (args) => {
    const values = operandsOf(args).filter((value) => !isNullish(value));
    if (values.length === 0) return null;
    return values.reduce((best, value) => (compareResults(value, best) * sign > 0 ? value : best));
  });
}
