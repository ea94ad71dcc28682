import { type Doc, MongoFault } from './fault.js';
import { compileFilter } from './filter.js';
import { isOperatorDoc } from './predicate.js';
import { isRegex } from './regex.js';
import { isDoc, own, put } from './values.js';

/**
 * The fields that an upsert takes from its filter: those for which it names exactly one value, also inside
 * `$and`, or as the only member of `$in` or `$all`. A path that is named twice is a fault, as in MongoDB.
 */
export function documentFromFilter(filter: Doc): Doc {
  compileFilter(filter);
  const equalities = new Map<string, unknown>();
  collect(filter, equalities);
  const seed: Doc = {};
  for (const [path, value] of equalities) {
    const shorter = [...equalities.keys()].find((other) => path.startsWith(`${other}.`));
    if (shorter !== undefined)
      throw notSingle(`cannot infer query fields to set, both paths '${path}' and '${shorter}' are matched`);
    plant(seed, path.split('.'), value);
  }
  return seed;
}

const notSingle = (message: string): MongoFault => new MongoFault(54, 'NotSingleValueField', message);

function collect(filter: Doc, equalities: Map<string, unknown>): void {
  for (const [name, condition] of Object.entries(filter)) {
    if (name === '$and' || (name === '$or' && (condition as unknown[]).length === 1)) {
      for (const clause of condition as Doc[]) collect(clause, equalities);
    } else if (!name.startsWith('$')) {
      collectField(name, condition, equalities);
    }
  }
}

function collectField(path: string, condition: unknown, equalities: Map<string, unknown>): void {
  if (!isOperatorDoc(condition)) {
    if (!isRegex(condition)) record(path, condition, equalities);
    return;
  }
  if (Object.hasOwn(condition, '$eq')) record(path, condition['$eq'], equalities);
  for (const operator of ['$all', '$in']) {
    const members = own(condition, operator);
    if (Array.isArray(members) && members.length === 1 && !isOperatorDoc(members[0]) && !isRegex(members[0])) {
      record(path, members[0], equalities);
    }
  }
}

function record(path: string, value: unknown, equalities: Map<string, unknown>): void {
  if (equalities.has(path)) throw notSingle(`cannot infer query fields to set, path '${path}' is matched twice`);
  equalities.set(path, value);
}

function plant(doc: Doc, parts: readonly string[], value: unknown): void {
  const [name = '', ...rest] = parts;
  if (rest.length === 0) {
    put(doc, name, value);
    return;
  }
  const existing = own(doc, name);
  const inner = isDoc(existing) ? existing : {};
  if (inner !== existing) put(doc, name, inner);
  plant(inner, rest, value);
}
