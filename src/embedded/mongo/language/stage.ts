import type { Doc } from './fault.js';
import type { Scope } from './expression.js';

export interface PipelineContext {
  /** `$$NOW`, one value for the whole pipeline. */
  readonly now: Date;
  collection(name: string): Iterable<Doc>;
}

/** Reads its input when its output is read, so that a `$limit` ends the work before it. */
export type Stage = (docs: Iterable<Doc>) => Iterable<Doc>;
export type CompileStage = (spec: unknown, context: PipelineContext) => Stage;

export const scopeOf = (root: Doc, now: Date): Scope => ({ root, now, variables: undefined });

export function filtering(test: (doc: Doc) => boolean): Stage {
  return function* (docs) {
    for (const doc of docs) if (test(doc)) yield doc;
  };
}

export function mapping(change: (doc: Doc, scope: Scope) => Doc, now: Date): Stage {
  return function* (docs) {
    for (const doc of docs) yield change(doc, scopeOf(doc, now));
  };
}
