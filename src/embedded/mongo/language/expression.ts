import { type Doc, type MongoFault, located } from './fault.js';

/** A variable of `$let`, `$map`, `$filter` or `$reduce`; the innermost comes first. */
export interface Frame {
  readonly name: string;
  readonly value: unknown;
  readonly outer: Frame | undefined;
}

export interface Scope {
  readonly root: Doc;
  readonly now: Date;
  readonly variables: Frame | undefined;
}

/** `undefined` is the missing value; it never occurs inside a document or array. */
export type Expression = (scope: Scope) => unknown;
/** `variables`: names that the expression may use besides those already known. */
export type Compile = (expression: unknown, variables?: readonly string[]) => Expression;
/** An operator: its operand, not yet compiled, becomes an expression. */
export type Form = (operand: unknown, compile: Compile) => Expression;
export type Forms = Readonly<Record<string, Form>>;

export const isNullish = (value: unknown): value is null | undefined => value === null || value === undefined;

/** An operator whose arguments are all evaluated first. */
export function operator(
  name: string,
  [least, most]: readonly [number, number],
  apply: (args: unknown[], scope: Scope) => unknown,
): Form {
  return (operand, compile) => {
    const operands: unknown[] = Array.isArray(operand) ? operand : [operand];
    if (operands.length < least || operands.length > most) throw wrongCount(name, least, most, operands.length);
    const args = operands.map((argument) => compile(argument));
    return (scope) =>
      apply(
        args.map((argument) => argument(scope)),
        scope,
      );
  };
}

function wrongCount(name: string, least: number, most: number, count: number): MongoFault {
  if (least !== most) {
    return located(
      28667,
      `Expression ${name} takes at least ${String(least)} arguments, and at most ${String(most)}, but ${String(count)} were passed in.`,
    );
  }
  return located(
    16020,
    `Expression ${name} takes exactly ${String(least)} arguments. ${String(count)} were passed in.`,
  );
}

/** The compiled named arguments of an operator such as `$filter`; unknown or missing names are faults. */
export function named(
  name: string,
  operand: unknown,
  required: readonly string[],
  optional: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof operand !== 'object' || operand === null || Array.isArray(operand)) {
    throw located(28646, `${name} only supports an object as its argument`);
  }
  for (const key of Object.keys(operand)) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw located(28647, `Unrecognized parameter to ${name}: ${key}`);
    }
  }
  for (const key of required) {
    if (!Object.hasOwn(operand, key)) throw located(28648, `Missing '${key}' parameter to ${name}`);
  }
  return operand as Doc;
}

export const bind = (scope: Scope, name: string, value: unknown): Scope => ({
  ...scope,
  variables: { name, value, outer: scope.variables },
});
