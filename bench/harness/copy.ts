import mongoose from 'mongoose';

type Database = mongoose.mongo.Db;

const BATCH = 1000;

/** The documents and the indexes of a collection, for a peer that writes. */
export async function copyCollection(
  from: Database,
  name: string,
  to: Database,
  copy: string,
  filter: mongoose.mongo.Filter<mongoose.mongo.Document> = {},
): Promise<void> {
  const source = from.collection(name);
  const target = to.collection(copy);
  // Indexes as the server lists them carry the versions of their formats, which a new one is not given.
  for (const { v: _v, ns: _ns, textIndexVersion: _text, key, ...options } of await source.indexes()) {
    if (options.name !== '_id_') await target.createIndex(key, options);
  }
  let batch: mongoose.mongo.Document[] = [];
  for await (const document of source.find(filter)) {
    batch.push(document);
    if (batch.length === BATCH) await target.insertMany(batch.splice(0));
  }
  if (batch.length > 0) await target.insertMany(batch);
}

/** @param work gets the database of the benchmark, and any other one beside it by its name */
export async function withDatabase<T>(
  uri: string,
  work: (own: Database, other: (name: string) => Database) => Promise<T>,
): Promise<T> {
  const connection = await mongoose.createConnection(uri).asPromise();
  try {
    return await work(connection.db!, (name) => connection.useDb(name).db!);
  } finally {
    await connection.close();
  }
}
