import { compareValues } from './compare.js';
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
import { located } from './fault.js';
import { truthy } from './truth.js';
import { Rank, isDoc, rankOf } from './values.js';

/** Unlike in a filter, a missing value is not null here but directly below it. */
export function compareResults(a: unknown, b: unknown): number {
  if (a !== undefined && b !== undefined) return compareValues(a, b);
  if (a === b) return 0;
  if (a === undefined) return rankOf(b) === Rank.minKey ? 1 : -1;
  return rankOf(a) === Rank.minKey ? -1 : 1;
}

const comparison = (name: string, accepts: (order: number) => unknown): Form =>
  operator(name, [2, 2], ([a, b]) => accepts(compareResults(a, b)));

export const LOGIC: Forms = {
  $eq: comparison('$eq', (order) => order === 0),
  $ne: comparison('$ne', (order) => order !== 0),
  $gt: comparison('$gt', (order) => order > 0),
  $gte: comparison('$gte', (order) => order >= 0),
  $lt: comparison('$lt', (order) => order < 0),
  $lte: comparison('$lte', (order) => order <= 0),
  $cmp: comparison('$cmp', Math.sign),
  $not: operator('$not', [1, 1], ([value]) => !truthy(value)),
  $and: (operand, compile) => {
    const parts = list(operand, compile);
    return (scope) => parts.every((part) => truthy(part(scope)));
  },
  $or: (operand, compile) => {
    const parts = list(operand, compile);
    return (scope) => parts.some((part) => truthy(part(scope)));
  },
  $literal: (operand) => () => operand,
  $cond: (operand, compile) => {
    const [test, yes, no] = condParts(operand, compile);
    return (scope) => (truthy(test(scope)) ? yes(scope) : no(scope));
  },
  $ifNull: (operand, compile) => {
    const parts = list(operand, compile);
    if (parts.length < 2) {
      throw located(1257300, `$ifNull needs at least two arguments, had: ${String(parts.length)}`);
    }
    const last = parts.pop() as Expression;
    return (scope) => {
      for (const part of parts) {
        const value = part(scope);
        if (!isNullish(value)) return value;
      }
      return last(scope);
    };
  },
  $switch: (operand, compile) => compileSwitch(operand, compile),
  $let: (operand, compile) => compileLet(operand, compile),
};

function list(operand: unknown, compile: Compile): Expression[] {
  return (Array.isArray(operand) ? (operand as unknown[]) : [operand]).map((part) => compile(part));
}

function condParts(operand: unknown, compile: Compile): [Expression, Expression, Expression] {
  if (!isDoc(operand)) {
    const parts = list(operand, compile);
    if (parts.length !== 3) {
      throw located(16020, `Expression $cond takes exactly 3 arguments. ${String(parts.length)} were passed in.`);
    }
    return parts as [Expression, Expression, Expression];
  }
  for (const [name, code] of [
    ['if', 17080],
    ['then', 17081],
    ['else', 17082],
  ] as const) {
    if (!Object.hasOwn(operand, name)) throw located(code, `Missing '${name}' parameter to $cond`);
  }
  const extra = Object.keys(operand).find((name) => !['if', 'then', 'else'].includes(name));
  if (extra !== undefined) throw located(17083, `Unrecognized parameter to $cond: ${extra}`);
  return [compile(operand['if']), compile(operand['then']), compile(operand['else'])];
}

function compileSwitch(operand: unknown, compile: Compile): Expression {
  const { branches, default: otherwise } = named('$switch', operand, ['branches'], ['default']);
  if (!Array.isArray(branches) || branches.length === 0) {
    throw located(40068, '$switch requires at least one branch.');
  }
  const compiled = branches.map((branch: unknown) => {
    const parts = named('$switch', branch, ['case', 'then'], []);
    return [compile(parts['case']), compile(parts['then'])] as const;
  });
  const last = otherwise === undefined ? noBranch : compile(otherwise);
  return (scope) => (compiled.find(([test]) => truthy(test(scope)))?.[1] ?? last)(scope);
}

function noBranch(): never {
  throw located(40066, '$switch could not find a matching branch for an input, and no default was specified.');
}

function compileLet(operand: unknown, compile: Compile): Expression {
  const { vars, in: body } = named('$let', operand, ['vars', 'in'], []);
  if (!isDoc(vars)) throw located(16874, 'invalid parameter: expected an object (vars)');
  const variables = Object.entries(vars).map(([name, value]) => [name, compile(value)] as const);
  const result = compile(body, Object.keys(vars));
  return (scope) => result(variables.reduce((inner, [name, value]) => bind(inner, name, value(scope)), scope));
}
