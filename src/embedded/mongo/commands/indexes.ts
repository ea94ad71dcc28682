import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, valuesEqual } from '../language/index.js';
import { ID_INDEX, type IndexSpec } from '../index/index-spec.js';
import { parseIndexSpec, sameOptions } from '../index/parse-index-spec.js';
import { isTextKey } from '../index/text-spec.js';
import type { Collection } from '../store/collection.js';
import { type Call, type Command } from './command.js';
import { listReply } from './read.js';

async function createIndexes(call: Call): Promise<Doc> {
  const asked = call.documents('indexes');
  for (const one of asked) refuseSecondText(call.collection, one);
  const specs = asked.map(parseIndexSpec);
  const createdCollectionAutomatically = call.collection === undefined;
  const collection = call.engine.catalog.ensure(call.database, call.target);
  const numIndexesBefore = collection.indexes.size;
  createAll(collection, specs);
  await call.engine.log.flushed();
  const numIndexesAfter = collection.indexes.size;
  const note = numIndexesAfter === numIndexesBefore ? { note: 'all indexes already exist' } : {};
  return { numIndexesBefore, numIndexesAfter, createdCollectionAutomatically, ...note, ok: 1 };
}

/** All of them or, when one cannot be built, none. */
function createAll(collection: Collection, specs: readonly IndexSpec[]): void {
  const created: string[] = [];
  try {
    for (const spec of specs) {
      if (alreadyThere(collection, spec)) continue;
      collection.createIndex(spec);
      created.push(spec.name);
    }
  } catch (error) {
    for (const name of created) collection.dropIndex(name);
    throw error;
  }
}

/** @throws MongoFault 67 also where the second one could not be made anyway */
function refuseSecondText(collection: Collection | undefined, { key, name }: Doc): void {
  const existing = collection?.textIndex?.spec.name;
  if (existing === undefined || existing === name || !isDocument(key) || !isTextKey(key)) return;
  throw faults.cannotCreateIndex(`only one text index per collection allowed, found existing text index "${existing}"`);
}

/** @throws MongoFault 85 or 86 when an index of this name or key is there with other properties */
function alreadyThere(collection: Collection, spec: IndexSpec): boolean {
  for (const { spec: existing } of collection.indexes.values()) {
    const sameKey = valuesEqual(existing.key, spec.key) && sameSearch(existing, spec);
    if (existing.name === spec.name) {
      if (!sameKey) throw sameNameOtherKey(existing, spec);
      if (!sameOptions(existing, spec)) throw otherOptions(existing, spec);
      return true;
    }
    if (sameKey && valuesEqual(existing.partialFilterExpression, spec.partialFilterExpression)) {
      throw faults.indexOptionsConflict(`Index already exists with a different name: ${existing.name}`);
    }
  }
  return false;
}

/** Two text indexes have the same key document whatever they index. */
const sameSearch = (a: IndexSpec, b: IndexSpec): boolean => valuesEqual(a.weights, b.weights);

const sameNameOtherKey = (existing: IndexSpec, asked: IndexSpec) =>
  faults.indexKeySpecsConflict(
    `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: ${JSON.stringify(asked)}, existing index: ${JSON.stringify(existing)}`,
  );

const otherOptions = (existing: IndexSpec, asked: IndexSpec) =>
  faults.indexOptionsConflict(
    `An equivalent index already exists with the same name but different options. Requested index: ${JSON.stringify(asked)}, existing index: ${JSON.stringify(existing)}`,
  );

function listIndexes(call: Call): Buffer {
  const { collection } = call;
  if (!collection) throw faults.namespaceNotFound(`ns does not exist: ${call.namespace}`);
  return listReply(
    call,
    call.namespace,
    [...collection.indexes.values()].map(({ spec }) => spec),
  );
}

async function dropIndexes(call: Call): Promise<Doc> {
  const { collection } = call;
  if (!collection) throw faults.namespaceNotFound(`ns not found ${call.namespace}`);
  const nIndexesWas = collection.indexes.size;
  for (const name of namesToDrop(collection, call.body['index'])) collection.dropIndex(name);
  await call.engine.log.flushed();
  return { nIndexesWas, ok: 1 };
}

function namesToDrop(collection: Collection, asked: unknown): string[] {
  if (asked === '*') return [...collection.indexes.keys()].filter((name) => name !== ID_INDEX.name);
  const names = Array.isArray(asked) ? asked : [isDocument(asked) ? nameByKey(collection, asked) : asked];
  for (const name of names) {
    if (typeof name !== 'string') throw faults.typeMismatch('the index to drop is named by a string or its key');
    if (name === ID_INDEX.name) throw faults.invalidOptions('cannot drop _id index');
    if (!collection.indexes.has(name)) throw faults.indexNotFound(`index not found with name [${name}]`);
  }
  return names as string[];
}

function nameByKey(collection: Collection, key: Doc): string {
  for (const { spec } of collection.indexes.values()) if (valuesEqual(spec.key, key)) return spec.name;
  throw faults.indexNotFound(`can't find index with key: ${JSON.stringify(key)}`);
}

export const indexCommands: readonly Command[] = [
  { name: 'createIndexes', fields: ['indexes', 'commitQuorum'], run: createIndexes },
  { name: 'listIndexes', fields: ['cursor'], run: listIndexes },
  { name: 'dropIndexes', aliases: ['deleteIndexes'], fields: ['index'], run: dropIndexes },
];
