import type { Compile, Expression, Form, Scope } from './expression.js';
import { ARITHMETIC } from './expression-arithmetic.js';
import { ARRAYS } from './expression-arrays.js';
import { CONVERSIONS } from './expression-conversions.js';
import { DATES } from './expression-dates.js';
import { LOGIC } from './expression-logic.js';
import { STRINGS } from './expression-strings.js';
import { type Doc, MongoFault, located } from './fault.js';
import { isDoc, own, put } from './values.js';

const FORMS: ReadonlyMap<string, Form> = new Map(
  [LOGIC, ARITHMETIC, ARRAYS, STRINGS, CONVERSIONS, DATES].flatMap((forms) => Object.entries(forms)),
);

/** Compiles an aggregation expression; an operator that is not implemented is a fault (168). */
export function compileExpression(expression: unknown): Expression {
  return compileWith(new Set())(expression);
}

function compileWith(variables: ReadonlySet<string>): Compile {
  const compile: Compile = (expression, added) => {
    if (added !== undefined) return compileWith(new Set([...variables, ...added]))(expression);
    if (typeof expression === 'string') return compileText(expression, variables);
    if (Array.isArray(expression)) return compileArray(expression, compile);
    return isDoc(expression) ? compileDoc(expression, compile) : () => expression;
  };
  return compile;
}

function compileText(text: string, variables: ReadonlySet<string>): Expression {
  if (!text.startsWith('$')) return () => text;
  const [head = '', ...rest] = text.slice(text.startsWith('$$') ? 2 : 1).split('.');
  if (head === '' || rest.includes('')) {
    throw located(text === '$' ? 16872 : 15998, 'FieldPath field names may not be empty strings.');
  }
  if (text.startsWith('$$')) return follow(variable(head, variables), rest);
  return rest.length === 0 ? ({ root }) => own(root, head) : follow(({ root }) => root, [head, ...rest]);
}

function variable(name: string, variables: ReadonlySet<string>): Expression {
  switch (name) {
    case 'ROOT':
    case 'CURRENT':
      return ({ root }) => root;
    case 'NOW':
      return ({ now }) => now;
    case 'REMOVE':
      return () => undefined;
    default:
      if (!variables.has(name)) throw located(17276, `Use of undefined variable: ${name}`);
      return (scope) => lookUp(scope, name);
  }
}

function lookUp({ variables }: Scope, name: string): unknown {
  let frame = variables;
  while (frame !== undefined && frame.name !== name) frame = frame.outer;
  return frame?.value;
}

function follow(start: Expression, path: readonly string[]): Expression {
  return path.length === 0 ? start : (scope) => valueAt(start(scope), path, 0);
}

/** A path through an array gives the array of what its documents have there; numbers are not positions. */
function valueAt(value: unknown, path: readonly string[], at: number): unknown {
  if (at === path.length) return value;
  if (Array.isArray(value)) {
    return value.map((element) => (isDoc(element) ? valueAt(element, path, at) : undefined)).filter(isPresent);
  }
  return isDoc(value) ? valueAt(own(value, path[at] as string), path, at + 1) : undefined;
}

const isPresent = (value: unknown): boolean => value !== undefined;

function compileArray(elements: readonly unknown[], compile: Compile): Expression {
  const expressions = elements.map((element) => compile(element));
  return (scope) => expressions.map((expression) => expression(scope) ?? null);
}

function compileDoc(doc: Doc, compile: Compile): Expression {
  const entries = Object.entries(doc);
  const [first] = entries;
  if (first?.[0].startsWith('$') === true) return compileOperator(first[0], first[1], entries.length, compile);
  const fields = entries.map(([name, value]) => {
    if (name.startsWith('$')) throw unrecognized(name);
    if (name.includes('.'))
      throw located(16412, `FieldPath field names may not contain '.'. Consider using $getField or $setField.`);
    return [name, compile(value)] as const;
  });
  return (scope) => {
    const result: Doc = {};
    for (const [name, expression] of fields) {
      const value = expression(scope);
      if (value !== undefined) put(result, name, value);
    }
    return result;
  };
}

function compileOperator(name: string, operand: unknown, count: number, compile: Compile): Expression {
  if (count > 1) {
    throw located(15983, `An object representing an expression must have exactly one field: { ${name}: ... }`);
  }
  const form = FORMS.get(name);
  if (form === undefined) throw unrecognized(name);
  return form(operand, compile);
}

const unrecognized = (name: string): MongoFault =>
  new MongoFault(168, 'InvalidPipelineOperator', `Unrecognized expression '${name}'`);
