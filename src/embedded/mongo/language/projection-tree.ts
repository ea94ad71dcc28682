import type { Doc } from './fault.js';
import type { Scope } from './expression.js';
import { isDoc, put } from './values.js';

export interface ProjectionScope extends Scope {
  readonly textScore?: number;
}

/** What a projection does with one field. */
export type Rule =
  | { readonly kind: 'keep' | 'drop' }
  /** A new value that does not depend on the field's own. */
  | { readonly kind: 'compute'; compute(scope: ProjectionScope): unknown }
  /** The field's own value, changed in place. */
  | { readonly kind: 'alter'; alter(value: unknown, scope: ProjectionScope): unknown }
  | Tree;

export interface Tree {
  readonly kind: 'tree';
  readonly fields: Map<string, Rule>;
}

export const emptyTree = (): Tree => ({ kind: 'tree', fields: new Map() });

/** Only what the tree names, in the order of the document; computed fields follow. */
export function include(doc: Doc, tree: Tree, scope: ProjectionScope): Doc {
  return compute(kept(doc, tree, scope), tree, scope);
}

function kept(doc: Doc, tree: Tree, scope: ProjectionScope): Doc {
  const result: Doc = {};
  for (const name of Object.keys(doc)) {
    const rule = tree.fields.get(name);
    if (rule === undefined || rule.kind === 'drop' || rule.kind === 'compute') continue;
    const value =
      rule.kind === 'tree'
        ? keptIn(doc[name], rule, scope)
        : rule.kind === 'alter'
          ? rule.alter(doc[name], scope)
          : doc[name];
    if (value !== undefined) put(result, name, value);
  }
  return result;
}

/** Scalars in an array go, unless computed fields will make a document in their place. */
function keptIn(value: unknown, tree: Tree, scope: ProjectionScope): unknown {
  if (isDoc(value)) return kept(value, tree, scope);
  if (!Array.isArray(value)) return undefined;
  const elements = value.map((element) => keptIn(element, tree, scope));
  return computes(tree)
    ? elements.map((element) => element ?? {})
    : elements.filter((element) => element !== undefined);
}

/** Everything but what the tree drops. */
export function exclude(doc: Doc, tree: Tree, scope: ProjectionScope): Doc {
  return compute(remaining(doc, tree, scope), tree, scope);
}

function remaining(doc: Doc, tree: Tree, scope: ProjectionScope): Doc {
  const result: Doc = {};
  for (const name of Object.keys(doc)) {
    const rule = tree.fields.get(name);
    if (rule?.kind === 'drop') continue;
    const value = doc[name];
    put(
      result,
      name,
      rule?.kind === 'tree'
        ? remainingIn(value, rule, scope)
        : rule?.kind === 'alter'
          ? rule.alter(value, scope)
          : value,
    );
  }
  return result;
}

function remainingIn(value: unknown, tree: Tree, scope: ProjectionScope): unknown {
  if (Array.isArray(value)) return value.map((element) => remainingIn(element, tree, scope));
  return isDoc(value) ? remaining(value, tree, scope) : value;
}

const computing = new WeakMap<Tree, boolean>();

function computes(tree: Tree): boolean {
  let known = computing.get(tree);
  if (known === undefined) {
    known = [...tree.fields.values()].some(
      (rule) => rule.kind === 'compute' || (rule.kind === 'tree' && computes(rule)),
    );
    computing.set(tree, known);
  }
  return known;
}

/** Adds the computed fields: into each document of an array, and instead of a scalar that is in the way. */
export function compute(doc: Doc, tree: Tree, scope: ProjectionScope): Doc {
  if (!computes(tree)) return doc;
  const result = { ...doc };
  for (const [name, rule] of tree.fields) {
    if (rule.kind === 'compute') {
      const value = rule.compute(scope);
      if (value === undefined) delete result[name];
      else put(result, name, value);
    } else if (rule.kind === 'tree' && computes(rule)) {
      put(result, name, computeIn(Object.hasOwn(result, name) ? result[name] : undefined, rule, scope));
    }
  }
  return result;
}

function computeIn(value: unknown, tree: Tree, scope: ProjectionScope): unknown {
  if (Array.isArray(value)) return value.map((element) => computeIn(element, tree, scope));
  return compute(isDoc(value) ? value : {}, tree, scope);
}
