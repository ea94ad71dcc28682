import type { Expression } from './expression.js';
import { compileExpression } from './expressions.js';
import { type Doc, type MongoFault, located } from './fault.js';
import { elementTest } from './filter-operators.js';
import { compileFilter } from './filter.js';
import { toDouble } from './numbers.js';
import { matchedPosition } from './position.js';
import { isOperatorDoc } from './predicate.js';
import { type ProjectionScope, type Rule, type Tree, compute, emptyTree, exclude, include } from './projection-tree.js';
import { truthy } from './truth.js';
import { isDoc, isNumeric, own, typeName } from './values.js';

export type Projector = (doc: Doc, meta?: { textScore?: number }) => Doc;
type Mode = 'include' | 'exclude';
/** `find` knows `$slice`, `$elemMatch`, `$` and `$meta`; the stage `$project` has expressions only. */
type Dialect = { readonly name: 'find'; readonly filter: Doc } | { readonly name: 'stage' };

interface Plan {
  readonly tree: Tree;
  readonly dialect: Dialect;
  mode: Mode | undefined;
  keepId: boolean | undefined;
  elementMatch: boolean;
}

/** The projection of `find`. `filter` is needed for the positional `a.$`, `meta` for `{$meta: 'textScore'}`. */
export function compileProjection(projection: Doc | undefined, filter: Doc = {}): Projector {
  if (projection === undefined || Object.keys(projection).length === 0) return (doc) => doc;
  const project = compilePlan(projection, { name: 'find', filter });
  const now = new Date();
  return (doc, meta) => project(doc, { root: doc, now, variables: undefined, textScore: meta?.textScore });
}

/** The stage `$project`. */
export function compileProjectStage(spec: unknown): (doc: Doc, scope: ProjectionScope) => Doc {
  if (!isDoc(spec)) throw located(15969, '$project specification must be an object');
  if (Object.keys(spec).length === 0) {
    throw located(51272, 'Invalid $project :: caused by :: projection specification must have at least one field');
  }
  return compilePlan(spec, { name: 'stage' });
}

/** The stages `$addFields` and `$set`: every value is an expression, a plain document names nested fields. */
export function compileAddFields(name: string, spec: unknown): (doc: Doc, scope: ProjectionScope) => Doc {
  if (!isDoc(spec)) throw located(40272, `${name} specification stage must be an object, got ${typeName(spec)}`);
  if (Object.keys(spec).length === 0) {
    throw located(40177, `Invalid ${name} :: caused by :: specification must have at least one field`);
  }
  const tree = emptyTree();
  collectAdded(spec, '', tree);
  return (doc, scope) => compute(doc, tree, scope);
}

function collectAdded(spec: Doc, prefix: string, tree: Tree): void {
  for (const [name, value] of Object.entries(spec)) {
    if (isDoc(value) && !isOperatorDoc(value) && Object.keys(value).length > 0) {
      collectAdded(value, `${prefix}${name}.`, tree);
    } else {
      insert(tree, `${prefix}${name}`, { kind: 'compute', compute: compileExpression(value) });
    }
  }
}

function compilePlan(spec: Doc, dialect: Dialect): (doc: Doc, scope: ProjectionScope) => Doc {
  const plan: Plan = { tree: emptyTree(), dialect, mode: undefined, keepId: undefined, elementMatch: false };
  collect(spec, '', plan);
  const mode = plan.mode ?? (plan.keepId === true || plan.elementMatch ? 'include' : 'exclude');
  const { tree } = plan;
  if (mode === 'include' && !tree.fields.has('_id')) tree.fields.set('_id', { kind: 'keep' });
  return mode === 'include' ? (doc, scope) => include(doc, tree, scope) : (doc, scope) => exclude(doc, tree, scope);
}

function collect(spec: Doc, prefix: string, plan: Plan): void {
  for (const [name, value] of Object.entries(spec)) {
    const path = `${prefix}${name}`;
    if (path === '') throw located(40352, 'FieldPath cannot be constructed with empty string');
    if (isDoc(value) && !isOperatorDoc(value)) {
      if (Object.keys(value).length === 0) {
        throw located(51270, `An empty sub-projection is not a valid value. Found empty object at path ${path}`);
      }
      collect(value, `${path}.`, plan);
    } else {
      collectLeaf(path, value, plan);
    }
  }
}

function collectLeaf(path: string, value: unknown, plan: Plan): void {
  if (path.endsWith('.$') && plan.dialect.name === 'find') {
    setMode(plan, 'include', path);
    insert(plan.tree, path.slice(0, -2), positional(path.slice(0, -2), plan.dialect.filter));
  } else if (typeof value === 'boolean' || isNumeric(value)) {
    collectFlag(path, truthy(value), plan);
  } else if (
    isDoc(value) &&
    plan.dialect.name === 'find' &&
    Object.hasOwn(FIND_OPERATORS, Object.keys(value)[0] ?? '')
  ) {
    collectOperator(path, value, plan);
  } else {
    collectComputed(path, compileExpression(value), plan);
  }
}

function collectFlag(path: string, wanted: boolean, plan: Plan): void {
  if (path === '_id') plan.keepId = wanted;
  else setMode(plan, wanted ? 'include' : 'exclude', path);
  insert(plan.tree, path, { kind: wanted ? 'keep' : 'drop' });
}

function collectComputed(path: string, expression: Expression, plan: Plan): void {
  if (plan.mode === 'exclude') throw located(31252, 'Cannot use an expression in an exclusion projection');
  plan.mode = 'include';
  insert(plan.tree, path, { kind: 'compute', compute: expression });
}

function setMode(plan: Plan, mode: Mode, path: string): void {
  if (plan.mode !== undefined && plan.mode !== mode) throw mixed(mode, path);
  plan.mode = mode;
}

function mixed(mode: Mode, path: string): MongoFault {
  return mode === 'include'
    ? located(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
    : located(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
}

function insert(tree: Tree, path: string, rule: Rule): void {
  const parts = path.split('.');
  let node = tree;
  for (const [i, part] of parts.entries()) {
    if (part.startsWith('$'))
      throw located(16410, `FieldPath field names may not start with '$'. Consider using $getField or $setField.`);
    const existing = node.fields.get(part);
    if (i === parts.length - 1) {
      if (existing !== undefined) throw located(31250, `Path collision at ${path}`);
      node.fields.set(part, rule);
      return;
    }
    const next = existing ?? emptyTree();
    if (next.kind !== 'tree') {
      throw located(31249, `Path collision at ${path} remaining portion ${parts.slice(i + 1).join('.')}`);
    }
    node.fields.set(part, next);
    node = next;
  }
}

const FIND_OPERATORS: Readonly<Record<string, (path: string, operand: unknown, plan: Plan) => void>> = {
  $slice: (path, operand, plan) => {
    const range = sliceRange(operand);
    if (range === undefined) collectComputed(path, compileExpression({ $slice: operand }), plan);
    else insert(plan.tree, path, { kind: 'alter', alter: (value) => (Array.isArray(value) ? range(value) : value) });
  },
  $elemMatch: (path, operand, plan) => {
    if (path.includes('.')) throw located(31275, 'Cannot use $elemMatch projection on a nested field');
    if (!isDoc(operand)) throw located(31274, 'elemMatch: Invalid argument, object required');
    plan.elementMatch = true;
    const test = elementTest(operand, compileFilter);
    insert(plan.tree, path, { kind: 'compute', compute: ({ root }) => firstMatch(own(root, path), test) });
  },
  $meta: (path, operand, plan) => {
    if (operand !== 'textScore') throw located(17308, `Unsupported argument to $meta: ${String(operand)}`);
    insert(plan.tree, path, { kind: 'compute', compute: ({ textScore }) => textScore ?? noScore() });
  },
};

function collectOperator(path: string, value: Doc, plan: Plan): void {
  const [name, operand] = Object.entries(value)[0] as [string, unknown];
  FIND_OPERATORS[name]?.(path, operand, plan);
}

function noScore(): never {
  throw located(40218, 'query requires text score metadata, but it is not available');
}

function firstMatch(value: unknown, test: (element: unknown) => boolean): unknown {
  const index = Array.isArray(value) ? value.findIndex(test) : -1;
  return index < 0 ? undefined : [(value as unknown[])[index]];
}

/** `undefined` if the operand is not the `n` or `[skip, limit]` of `find` but an expression. */
function sliceRange(operand: unknown): ((array: readonly unknown[]) => unknown[]) | undefined {
  const [first, second] = Array.isArray(operand) ? (operand as unknown[]) : [operand];
  if (!isNumeric(first)) return undefined;
  const count = Math.trunc(toDouble(first));
  if (!Array.isArray(operand)) return (array) => (count < 0 ? array.slice(count) : array.slice(0, count));
  if (!isNumeric(second)) return undefined;
  const limit = Math.trunc(toDouble(second));
  if (limit <= 0) throw located(28724, '$slice limit must be positive');
  return (array) => {
    const from = count < 0 ? Math.max(array.length + count, 0) : count;
    return array.slice(from, from + limit);
  };
}

function positional(path: string, filter: Doc): Rule {
  const parts = path.split('.');
  return {
    kind: 'alter',
    alter: (value, { root }) => (Array.isArray(value) ? [value[matchedPosition(root, filter, parts)]] : value),
  };
}
