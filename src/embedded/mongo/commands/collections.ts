import { faults } from '../faults.js';
import { type Doc, compileFilter } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import { type Call, type Command } from './command.js';
import { listReply } from './read.js';

const REFUSED_CREATE_OPTIONS = [
  'capped',
  'size',
  'max',
  'timeseries',
  'expireAfterSeconds',
  'clusteredIndex',
  'changeStreamPreAndPostImages',
  'validator',
  'validationLevel',
  'validationAction',
  'indexOptionDefaults',
  'viewOn',
  'pipeline',
  'collation',
  'encryptedFields',
  'storageEngine',
  'autoIndexId',
  'flags',
];

async function create(call: Call): Promise<Doc> {
  if (call.collection) throw faults.namespaceExists(call.namespace);
  call.engine.catalog.create(call.database, call.target);
  await call.engine.log.flushed();
  return { ok: 1 };
}

async function drop(call: Call): Promise<Doc> {
  const { collection, namespace } = call;
  if (!collection) return { ok: 1 };
  call.engine.catalog.drop(collection);
  await call.engine.log.flushed();
  return { nIndexesWas: collection.indexes.size, ns: namespace, ok: 1 };
}

async function dropDatabase(call: Call): Promise<Doc> {
  for (const collection of call.engine.catalog.collections(call.database)) call.engine.catalog.drop(collection);
  await call.engine.log.flushed();
  return { dropped: call.database, ok: 1 };
}

function listCollections(call: Call): Buffer {
  const matches = compileFilter(call.document('filter') ?? {});
  const collections = call.engine.catalog.collections(call.database).map(describe).filter(matches);
  const listed = call.boolean('nameOnly', false) ? collections.map(({ name, type }) => ({ name, type })) : collections;
  return listReply(call, `${call.database}.$cmd.listCollections`, listed);
}

const describe = ({ name, uuid, idIndex }: Collection): Doc => ({
  name,
  type: 'collection',
  options: {},
  info: { readOnly: false, uuid },
  idIndex: idIndex.spec,
});

function listDatabases(call: Call): Doc {
  const { catalog } = call.engine;
  const matches = compileFilter(call.document('filter') ?? {});
  const databases = catalog
    .names()
    .map((name): { name: string; sizeOnDisk: number; empty: boolean } => {
      const sizeOnDisk = catalog.collections(name).reduce((sum, collection) => sum + collection.dataBytes, 0);
      return { name, sizeOnDisk, empty: false };
    })
    .filter(matches as (database: object) => boolean);
  if (call.boolean('nameOnly', false)) return { databases: databases.map(({ name }) => ({ name })), ok: 1 };
  const totalSize = databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0);
  return { databases, totalSize, totalSizeMb: Math.floor(totalSize / 2 ** 20), ok: 1 };
}

export const collectionCommands: readonly Command[] = [
  { name: 'create', fields: ['idIndex'], refused: REFUSED_CREATE_OPTIONS, run: create },
  { name: 'drop', fields: [], run: drop },
  { name: 'dropDatabase', fields: [], run: dropDatabase },
  { name: 'listCollections', fields: ['filter', 'nameOnly', 'cursor', 'authorizedCollections'], run: listCollections },
  { name: 'listDatabases', fields: ['filter', 'nameOnly', 'authorizedDatabases'], run: listDatabases },
];
