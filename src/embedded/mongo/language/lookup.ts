import { hashKey } from './compare.js';
import { type Doc, failedToParse } from './fault.js';
import { type Path, parsePath, someAt } from './paths.js';
import { changeAt, routeTo } from './update-paths.js';
import type { PipelineContext, Stage } from './stage.js';
import { isDoc } from './values.js';

/** The equality form only: `let` and `pipeline` are refused. */
export function compileLookup(spec: unknown, context: PipelineContext): Stage {
  if (!isDoc(spec)) throw failedToParse('the $lookup specification must be an object');
  const [from, localField, foreignField, as] = ['from', 'localField', 'foreignField', 'as'].map((name) =>
    text(spec, name),
  );
  const extra = Object.keys(spec).find((name) => !['from', 'localField', 'foreignField', 'as'].includes(name));
  if (extra !== undefined) throw failedToParse(`$lookup argument '${extra}' is not supported`);
  const [local, foreign] = [parsePath(localField as string), parsePath(foreignField as string)];
  const target = routeTo(as as string);
  return function* (docs) {
    let index: ForeignIndex | undefined;
    for (const doc of docs) {
      index ??= new ForeignIndex(context.collection(from as string), foreign);
      const matches = index.find(doc, local);
      yield changeAt(doc, target, () => matches, true);
    }
  };
}

function text(spec: Doc, name: string): string {
  const value = spec[name];
  if (typeof value !== 'string') throw failedToParse(`$lookup argument '${name}' must be a string`);
  return value;
}

/** The foreign documents by every value that an equality on the field would find them with. */
class ForeignIndex {
  private readonly docs: readonly Doc[];
  private readonly byKey = new Map<string, number[]>();

  constructor(docs: Iterable<Doc>, path: Path) {
    this.docs = [...docs];
    for (const [i, doc] of this.docs.entries()) {
      for (const key of foreignKeys(doc, path)) {
        const known = this.byKey.get(key);
        if (known === undefined) this.byKey.set(key, [i]);
        else known.push(i);
      }
    }
  }

  /** In the order of the foreign collection, each once. A local array looks for each of its elements. */
  find(doc: Doc, path: Path): Doc[] {
    const found = new Set<number>();
    for (const key of localKeys(doc, path)) for (const i of this.byKey.get(key) ?? []) found.add(i);
    return [...found].sort((a, b) => a - b).map((i) => this.docs[i] as Doc);
  }
}

function foreignKeys(doc: Doc, path: Path): Set<string> {
  const keys = new Set<string>();
  someAt(doc, path, (value, expandable) => {
    keys.add(hashKey(value));
    if (expandable && Array.isArray(value)) for (const element of value) keys.add(hashKey(element));
    return false;
  });
  return keys;
}

function localKeys(doc: Doc, path: Path): Set<string> {
  const keys = new Set<string>();
  someAt(doc, path, (value) => {
    if (Array.isArray(value)) for (const element of value) keys.add(hashKey(element));
    else keys.add(hashKey(value));
    return false;
  });
  return keys;
}
