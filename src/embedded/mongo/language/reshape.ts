import { Long } from 'bson';
import type { Scope } from './expression.js';
import { compileExpression } from './expressions.js';
import { type Doc, located } from './fault.js';
import { compileProjectStage } from './projection.js';
import { show } from './show.js';
import type { Stage } from './stage.js';
import { isDoc, own, typeName } from './values.js';
import { changeAt, routeTo } from './update-paths.js';

export function compileUnset(spec: unknown): (doc: Doc, scope: Scope) => Doc {
  const paths: unknown[] = Array.isArray(spec) ? spec : [spec];
  if (paths.length === 0 || !paths.every((path) => typeof path === 'string' && path !== '')) {
    throw located(31002, '$unset specification must be a string or an array containing only string values');
  }
  return compileProjectStage(Object.fromEntries(paths.map((path) => [path, false])));
}

export function compileReplace(name: string, expression: unknown): (doc: Doc, scope: Scope) => Doc {
  const evaluate = compileExpression(expression);
  return (_doc, scope) => {
    const root = evaluate(scope);
    if (isDoc(root)) return root;
    throw located(
      40228,
      `'${name === '$replaceRoot' ? 'newRoot' : 'replacement document'}' expression must evaluate to an object, but resulting value was: ${root === undefined ? 'MISSING' : show(root)}. Type of resulting value: '${typeName(root)}'.`,
    );
  };
}

interface Unwind {
  readonly path: string;
  readonly indexField: string | undefined;
  readonly preserve: boolean;
}

export function compileUnwind(spec: unknown): Stage {
  const { path, indexField, preserve } = unwindOptions(spec);
  const parts = path.split('.');
  const target = routeTo(path);
  const indexTarget = indexField === undefined ? undefined : routeTo(indexField);
  const emit = (doc: Doc, index: Long | null): Doc =>
    indexTarget === undefined ? doc : changeAt(doc, indexTarget, () => index, true);
  return function* (docs) {
    for (const doc of docs) {
      const value = parts.reduce<unknown>((at, part) => (isDoc(at) ? own(at, part) : undefined), doc);
      if (!Array.isArray(value)) {
        if (preserve || (value !== null && value !== undefined)) yield emit(doc, null);
      } else if (value.length === 0) {
        if (preserve)
          yield emit(
            changeAt(doc, target, () => undefined, false),
            null,
          );
      } else {
        for (const [i, element] of value.entries()) {
          yield emit(
            changeAt(doc, target, () => element, true),
            Long.fromNumber(i),
          );
        }
      }
    }
  };
}

function unwindOptions(spec: unknown): Unwind {
  if (typeof spec === 'string') return { path: fieldPath(spec), indexField: undefined, preserve: false };
  if (!isDoc(spec)) {
    throw located(
      15981,
      `expected either a string or an object as specification for $unwind stage, got ${typeName(spec)}`,
    );
  }
  const { path, includeArrayIndex, preserveNullAndEmptyArrays, ...others } = spec;
  const extra = Object.keys(others)[0];
  if (extra !== undefined) throw located(28811, `unrecognized option to $unwind stage: ${extra}`);
  if (path === undefined) throw located(28812, 'no path specified to $unwind stage');
  if (includeArrayIndex !== undefined && (typeof includeArrayIndex !== 'string' || includeArrayIndex === '')) {
    throw located(28810, 'expected a non-empty string for the includeArrayIndex option to $unwind stage');
  }
  if (preserveNullAndEmptyArrays !== undefined && typeof preserveNullAndEmptyArrays !== 'boolean') {
    throw located(28809, 'expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage');
  }
  return { path: fieldPath(path), indexField: includeArrayIndex, preserve: preserveNullAndEmptyArrays === true };
}

function fieldPath(path: unknown): string {
  if (typeof path !== 'string') {
    throw located(28808, `expected a string as the path for $unwind stage, got ${typeName(path)}`);
  }
  if (!path.startsWith('$')) {
    throw located(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`);
  }
  return path.slice(1);
}
