import { Sum } from './accumulate.js';
import { hashKey } from './compare.js';
import type { Expression } from './expression.js';
import { mergeObjects } from './expression-arrays.js';
import { compareResults } from './expression-logic.js';
import { compileExpression } from './expressions.js';
import { type Doc, type MongoFault, located } from './fault.js';
import { type Stage, scopeOf } from './stage.js';
import { isDoc, put } from './values.js';

interface Accumulator {
  add(value: unknown): void;
  result(): unknown;
}

/** Accumulators see the missing value as `undefined`. */
const ACCUMULATORS: ReadonlyMap<string, () => Accumulator> = new Map<string, () => Accumulator>([
  ['$sum', () => summing((sum) => sum.total)],
  ['$avg', () => summing((sum) => sum.average)],
  ['$min', () => extreme(-1)],
  ['$max', () => extreme(1)],
  ['$first', first],
  ['$last', last],
  ['$push', push],
  ['$addToSet', addToSet],
  ['$mergeObjects', merging],
]);

function summing(read: (sum: Sum) => unknown): Accumulator {
  const sum = new Sum();
  return {
    add: (value) => {
      sum.add(value);
    },
    result: () => read(sum),
  };
}

function extreme(sign: 1 | -1): Accumulator {
  let best: unknown = null;
  return {
    add: (value) => {
      if (value === undefined || value === null) return;
      if (best === null || compareResults(value, best) * sign > 0) best = value;
    },
    result: () => best,
  };
}

function first(): Accumulator {
  let kept: { readonly value: unknown } | undefined;
  return {
    add: (value) => {
      kept ??= { value };
    },
    result: () => kept?.value ?? null,
  };
}

function last(): Accumulator {
  let kept: unknown;
  return {
    add: (value) => {
      kept = value;
    },
    result: () => kept ?? null,
  };
}

function push(): Accumulator {
  const values: unknown[] = [];
  return {
    add: (value) => {
      if (value !== undefined) values.push(value);
    },
    result: () => values,
  };
}

function addToSet(): Accumulator {
  const values = new Map<string, unknown>();
  return {
    add: (value) => {
      const key = value === undefined ? undefined : hashKey(value);
      if (key !== undefined && !values.has(key)) values.set(key, value);
    },
    result: () => [...values.values()],
  };
}

function merging(): Accumulator {
  let merged: Doc = {};
  return {
    add: (value) => {
      merged = mergeObjects([merged, value]);
    },
    result: () => merged,
  };
}

export interface GroupField {
  readonly name: string;
  readonly argument: Expression;
  readonly create: () => Accumulator;
}

export function compileGroup(spec: unknown, now: Date): Stage {
  if (!isDoc(spec)) throw located(15947, "a group's fields must be specified in an object");
  if (!Object.hasOwn(spec, '_id')) throw located(15955, 'a group specification must include an _id');
  const { _id, ...fields } = spec;
  return grouping(compileExpression(_id), compileGroupFields(fields), now);
}

export function compileGroupFields(fields: Doc): GroupField[] {
  return Object.entries(fields).map(([name, definition]) => {
    if (name.includes('.')) throw located(40235, `The field name '${name}' cannot contain '.'`);
    if (name.startsWith('$')) throw located(40236, `The field name '${name}' cannot be an operator name`);
    if (!isDoc(definition) || Object.keys(definition).length === 0) {
      throw located(40234, `The field '${name}' must be an accumulator object`);
    }
    const [entry, other] = Object.entries(definition) as [[string, unknown], ...unknown[]];
    if (other !== undefined) throw located(40238, `The field '${name}' must specify one accumulator`);
    return compileAccumulator(name, entry[0], entry[1]);
  });
}

function compileAccumulator(name: string, operator: string, operand: unknown): GroupField {
  if (operator === '$count') {
    if (!isDoc(operand) || Object.keys(operand).length > 0) throw countTakesNothing();
    return { name, argument: () => 1, create: () => summing((sum) => sum.total) };
  }
  const create = ACCUMULATORS.get(operator);
  if (create === undefined) throw located(15952, `unknown group operator '${operator}'`);
  if (Array.isArray(operand) && operand.length !== 1) {
    throw located(40237, `The ${operator} accumulator is a unary operator`);
  }
  return { name, argument: compileExpression(Array.isArray(operand) ? operand[0] : operand), create };
}

const countTakesNothing = (): MongoFault => located(5107900, '$count takes no arguments, i.e. $count:{}');

/** Groups appear in the order in which their first document does. */
export function grouping(id: Expression, fields: readonly GroupField[], now: Date): Stage {
  return (docs) => {
    const groups = new Map<string, { readonly id: unknown; readonly accumulators: Accumulator[] }>();
    for (const doc of docs) {
      const scope = scopeOf(doc, now);
      const value = id(scope) ?? null;
      const key = hashKey(value);
      let group = groups.get(key);
      if (group === undefined) {
        group = { id: value, accumulators: fields.map(({ create }) => create()) };
        groups.set(key, group);
      }
      for (let i = 0; i < fields.length; i++) {
        (group.accumulators[i] as Accumulator).add((fields[i] as GroupField).argument(scope));
      }
    }
    return [...groups.values()].map((group) => finished(group.id, group.accumulators, fields));
  };
}

function finished(id: unknown, accumulators: readonly Accumulator[], fields: readonly GroupField[]): Doc {
  const doc: Doc = { _id: id };
  for (const [i, accumulator] of accumulators.entries()) put(doc, (fields[i] as GroupField).name, accumulator.result());
  return doc;
}
