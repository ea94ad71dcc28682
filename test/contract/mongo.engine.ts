import { randomBytes } from 'node:crypto';
import { createConnection, Schema, type Connection, type Model, type mongo } from 'mongoose';

/** What the suite needs of a server: an address, and how to stop it afterwards. */
export interface RunningServer {
  readonly uri: string;
  close(): Promise<void>;
}

/** A document without a schema: the server decides, not Mongoose. */
export interface Row {
  _id: unknown;
  [field: string]: unknown;
}

/** The same for the driver, whose types want to know what an `_id` is. */
export interface NumberedRow extends mongo.BSON.Document {
  _id: number;
}

export type Filter = Record<string, unknown>;

const options = { versionKey: false, minimize: false, autoCreate: false, autoIndex: false } as const;
const anyRow = new Schema({ _id: Schema.Types.Mixed }, { ...options, strict: false, strictQuery: false });

/** The server under test, reached through Mongoose, in a database of this run's own that is dropped at the end. */
export class Engine {
  connection: Connection;
  /** Told by `buildInfo`; decides which column of the known deviations is asserted. */
  isDocumentDb = false;
  private server: RunningServer;
  private created = 0;

  async open(start: () => Promise<RunningServer>): Promise<void> {
    this.server = await start();
    this.connection = await createConnection(this.server.uri, {
      dbName: `contract_${randomBytes(6).toString('hex')}`,
      monitorCommands: true,
      serverSelectionTimeoutMS: 5_000,
    }).asPromise();
    this.isDocumentDb = /documentdb/i.test(JSON.stringify(await this.db.admin().buildInfo()));
  }

  async close(): Promise<void> {
    await this.connection?.dropDatabase();
    await this.connection?.close();
    await this.server?.close();
  }

  get db(): mongo.Db {
    return this.connection.db!;
  }

  /** A name no other test uses. */
  name(): string {
    return `c${++this.created}`;
  }

  /** A collection of the driver, empty and not yet created. */
  collection(): mongo.Collection<NumberedRow> {
    return this.db.collection<NumberedRow>(this.name());
  }

  /** A collection of the driver that holds exactly these, numbered 0, 1, 2… where they bring no `_id`. */
  async collectionOf(...documents: object[]): Promise<mongo.Collection<NumberedRow>> {
    const collection = this.collection();
    await collection.insertMany(documents.map((document, index) => ({ _id: index, ...document })));
    return collection;
  }

  /** A Mongoose model over a new collection, without schema, timestamps or version key. */
  model(): Model<Row> {
    const name = this.name();
    return this.connection.model<Row>(name, anyRow, name);
  }

  /** A Mongoose model with a schema, over a new collection. */
  typed<T>(schema: Schema<T>): Model<T> {
    const name = this.name();
    return this.connection.model<T>(name, schema, name);
  }

  /** A model whose collection holds exactly these, numbered 0, 1, 2… where they bring no `_id`. */
  async rows(...documents: object[]): Promise<Model<Row>> {
    const model = this.model();
    const numbered = documents.map((document, index) => ({ _id: index, ...document }));
    await this.db.collection<NumberedRow>(model.collection.collectionName).insertMany(numbered);
    return model;
  }

  /**
   * Work that must fail with MongoDB's code; answers the error. The gateway in front of DocumentDB has no name
   * for some codes and answers 1 instead.
   */
  async refuses(work: Promise<unknown>, code: number): Promise<mongo.MongoServerError> {
    const error = await refusal(work);
    expect(this.isDocumentDb && error.code === 1 ? code : error.code).toBe(code);
    return error;
  }
}

/** The ids that match, in ascending order. */
export const idsOf = async (model: Model<Row>, filter: Filter): Promise<unknown[]> =>
  (await model.find(filter).sort({ _id: 1 }).lean()).map((row) => row._id);

/** Everything that is stored, by ascending `_id`, without Mongoose between. */
export const stored = (rows: mongo.Collection<NumberedRow>): Promise<NumberedRow[]> =>
  rows.find({}).sort({ _id: 1 }).toArray();

/** The error of work that must fail; work that succeeds is the failure. */
export async function refusal(work: Promise<unknown>): Promise<mongo.MongoServerError> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'fulfilled') throw new Error(`expected a refusal, got ${JSON.stringify(outcome.value)}`);
  return outcome.reason as mongo.MongoServerError;
}
