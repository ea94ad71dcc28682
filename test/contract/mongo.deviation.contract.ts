import { refusal, type Engine, type NumberedRow } from './mongo.engine.js';

/** A promise of MongoDB that DocumentDB does not keep, and what each of them answers. */
interface Deviation {
  promise: string;
  instead: string;
  run: (engine: Engine) => Promise<unknown>;
  mongodb: unknown;
  documentDb: unknown;
}

const codeOf = async (work: Promise<unknown>) => ((await refusal(work)) as { code?: unknown }).code;
const keysOf = (row: NumberedRow | null) => Object.keys(row ?? {});

const textRows = async (engine: Engine, ...documents: object[]) => {
  const rows = await engine.collectionOf(...documents);
  await rows.createIndex({ owner: 1, title: 'text' }, { default_language: 'none' });
  return rows;
};

const deviations: Deviation[] = [
  {
    promise: 'two arrays in one index are refused (171)',
    instead: 'takes them',
    run: async (engine) => {
      const rows = await engine.collectionOf({ a: 1, b: 1 });
      await rows.createIndex({ a: 1, b: 1 });
      const [outcome] = await Promise.allSettled([rows.insertOne({ _id: 9, a: [1, 2], b: [1, 2] })]);
      return outcome.status === 'rejected' ? outcome.reason.code : 'taken';
    },
    mongodb: 171,
    documentDb: 'taken',
  },
  {
    promise: '$text without an equality on each field before it is refused (291)',
    instead: 'searches everything',
    run: async (engine) => {
      const rows = await textRows(engine, { owner: 'a', title: 'milk' }, { owner: 'b', title: 'milk' });
      const [outcome] = await Promise.allSettled([rows.find({ $text: { $search: 'milk' } }).toArray()]);
      return outcome.status === 'rejected' ? outcome.reason.code : outcome.value.length;
    },
    mongodb: 291,
    documentDb: 2,
  },
  {
    promise: 'a second text index is refused: CannotCreateIndex (67)',
    instead: 'calls it an IndexOptionsConflict (85)',
    run: async (engine) => codeOf((await textRows(engine, { title: 'milk' })).createIndex({ place: 'text' })),
    mongodb: 67,
    documentDb: 85,
  },
  {
    promise: '$text does not mind accents',
    instead: 'does',
    run: async (engine) => {
      const rows = await textRows(engine, { owner: 'a', title: 'café' });
      return rows.countDocuments({ owner: 'a', $text: { $search: 'cafe' } });
    },
    mongodb: 1,
    documentDb: 0,
  },
  {
    promise: 'an empty array sorts below null',
    instead: 'sorts it above',
    run: async (engine) => {
      const rows = await engine.collectionOf({ v: null }, { v: [] }, { v: 1 });
      return (await rows.find({}).sort({ v: 1 }).toArray()).map(({ _id }) => _id);
    },
    mongodb: [1, 0, 2],
    documentDb: [0, 1, 2],
  },
  {
    promise: '$set appends new fields in the order of their names',
    instead: 'keeps the order of the update',
    run: async (engine) => {
      const rows = await engine.collectionOf({ a: 1 });
      await rows.updateOne({}, { $set: { z: 1, m: 2 } });
      return keysOf(await rows.findOne({}));
    },
    mongodb: ['_id', 'a', 'm', 'z'],
    documentDb: ['_id', 'a', 'z', 'm'],
  },
  {
    promise: '$inc by 0 and a replacement by the same modify nothing',
    instead: 'counts them',
    run: async (engine) => {
      const rows = await engine.collectionOf({ a: 1 });
      const increment = await rows.updateOne({}, { $inc: { a: 0 } });
      const replacement = await rows.replaceOne({}, { a: 1 });
      return [increment.modifiedCount, (replacement as { modifiedCount?: number }).modifiedCount];
    },
    mongodb: [0, 0],
    documentDb: [1, 1],
  },
  {
    promise: '$pop from a scalar is a TypeMismatch (14)',
    instead: 'calls it a BadValue (2)',
    run: async (engine) => codeOf((await engine.collectionOf({ a: 1 })).updateOne({}, { $pop: { a: 1 } })),
    mongodb: 14,
    documentDb: 2,
  },
  {
    promise: '$count of nothing is no document',
    instead: 'is a document with 0',
    run: async (engine) => {
      const rows = await engine.collectionOf({ a: 1 });
      return rows.aggregate([{ $match: { a: 2 } }, { $count: 'n' }]).toArray();
    },
    mongodb: [],
    documentDb: [{ n: 0 }],
  },
  {
    promise: 'one index may be made by many at once',
    instead: 'lets some of them die in a deadlock, but makes the index',
    run: async (engine) => {
      const rows = await engine.collectionOf({ a: 1 });
      const makers = Array.from({ length: 20 }, () => rows.createIndex({ a: 1 }, { unique: true }));
      const outcomes = await Promise.allSettled(makers);
      const failed = outcomes.filter(({ status }) => status === 'rejected').length;
      return [(await rows.indexes()).length, engine.isDocumentDb || failed === 0];
    },
    mongodb: [2, true],
    documentDb: [2, true],
  },
];

export function deviationContract(engine: Engine): void {
  describe('only where the server is not DocumentDB', () => {
    // Nothing is skipped there either: each known deviation is asserted, so that its end is noticed.
    it.each(
      deviations.map((deviation) => [`${deviation.promise} [DocumentDB: ${deviation.instead}]`, deviation] as const),
    )('%s', async (_promise, { run, mongodb, documentDb }) => {
      expect(await run(engine)).toEqual(engine.isDocumentDb ? documentDb : mongodb);
    });
  });
}
