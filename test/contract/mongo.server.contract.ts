import { mongo, Schema } from 'mongoose';
import { refusal, type Engine } from './mongo.engine.js';

const { Long } = mongo;
const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

export function serverContract(engine: Engine): void {
  describe('handshake', () => {
    it('hello tells a writable server of wire version 9 or later that takes 16 MiB documents', async () => {
      const hello = await engine.db.command({ hello: 1 });
      expect(hello).toMatchObject({ ok: 1, isWritablePrimary: true, maxBsonObjectSize: 16 * 1024 * 1024 });
      expect(hello.maxWireVersion).toBeGreaterThanOrEqual(9);
      expect(hello.logicalSessionTimeoutMinutes).toBeGreaterThan(0);
    });

    it('ping answers', async () => {
      expect(await engine.db.admin().ping()).toMatchObject({ ok: 1 });
    });

    it('buildInfo has a version of four numbers', async () => {
      const info = await engine.db.admin().buildInfo();
      expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(info.versionArray).toHaveLength(4);
    });

    it('an unknown command is CommandNotFound and leaves the connection usable', async () => {
      await engine.refuses(engine.db.command({ noSuchCommand: 1 }), 59);
      expect(await engine.db.command({ ping: 1 })).toMatchObject({ ok: 1 });
    });

    it('work in an explicit session is work', async () => {
      const rows = await engine.rows({ a: 1 });
      const session = await engine.connection.startSession();
      await rows.updateOne({ _id: 0 }, { $inc: { a: 1 } }, { session });
      expect(await rows.findOne({ _id: 0 }, null, { session }).lean()).toEqual({ _id: 0, a: 2 });
      await session.endSession();
    });

    it('a hundred connections at once are served', async () => {
      const rows = await engine.rows({ a: 1 });
      const found = await Promise.all(numbered(100).map(() => rows.findOne({ _id: 0 }).lean()));
      expect(new Set(found.map((row) => row?.a))).toEqual(new Set([1]));
    });
  });

  describe('collections', () => {
    const names = async () =>
      (await engine.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

    it('are listed after create, and no longer after drop', async () => {
      const rows = engine.collection();
      await engine.db.createCollection(rows.collectionName);
      expect(await names()).toContain(rows.collectionName);
      expect(await engine.db.dropCollection(rows.collectionName)).toBe(true);
      expect(await names()).not.toContain(rows.collectionName);
    });

    it('are made by the first insert and filtered by name', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      const listed = await engine.db.listCollections({ name: rows.collectionName }).toArray();
      expect(listed).toMatchObject([{ name: rows.collectionName, type: 'collection' }]);
      expect(await engine.db.listCollections({ name: 'nowhere' }).toArray()).toEqual([]);
    });

    it('may be created twice by Mongoose, which keeps what is there', async () => {
      const notes = engine.typed(new Schema<{ a: number }>({ a: Number }, { autoCreate: false, autoIndex: false }));
      await notes.createCollection();
      await notes.create({ a: 1 });
      await notes.createCollection();
      expect(await notes.countDocuments({})).toBe(1);
    });

    it('that do not exist are empty', async () => {
      const rows = engine.model();
      expect(await rows.find({}).lean()).toEqual([]);
      expect([await rows.countDocuments({}), await rows.estimatedDocumentCount(), await rows.distinct('a')]).toEqual([
        0,
        0,
        [],
      ]);
      expect(await rows.aggregate([{ $match: {} }])).toEqual([]);
    });

    it('lose documents and indexes by drop', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      await rows.createIndex({ a: 1 }, { unique: true });
      await rows.drop();
      await rows.insertMany([
        { _id: 1, a: 1 },
        { _id: 2, a: 1 },
      ]);
      expect((await rows.indexes()).map(({ name }) => name)).toEqual(['_id_']);
    });
  });

  describe('options of every command', () => {
    it('maxTimeMS, comment and a majority write concern are accepted', async () => {
      const rows = await engine.rows({ a: 1 });
      const limit = { maxTimeMS: 5_000, comment: 'contract' };
      const concern = { writeConcern: { w: 'majority', j: true } } as const;
      expect(await rows.find({}, null, limit).lean()).toHaveLength(1);
      expect(await rows.aggregate([{ $match: {} }], limit)).toHaveLength(1);
      expect(await rows.countDocuments({}, limit)).toBe(1);
      expect(await rows.distinct('a', {}, limit)).toEqual([1]);
      expect(await rows.findOneAndUpdate({}, { $inc: { a: 1 } }, { ...limit, ...concern })).not.toBeNull();
      expect(await rows.updateOne({}, { $inc: { a: 1 } }, concern)).toMatchObject({ modifiedCount: 1 });
      expect(await rows.deleteMany({}, concern)).toMatchObject({ deletedCount: 1 });
    });

    it('a time limit of the client is accepted by every operation', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      expect(await rows.find({}, { timeoutMS: 5_000 }).toArray()).toHaveLength(1);
      expect(await rows.updateOne({}, { $inc: { a: 1 } }, { timeoutMS: 5_000 })).toMatchObject({ modifiedCount: 1 });
    });
  });

  describe('cursors', () => {
    it('1,000 documents in batches of 100 come once each, in order', async () => {
      const rows = await engine.rows(...numbered(1_000));
      const batches: number[] = [];
      const client = engine.connection.getClient();
      const count = ({ reply }: { reply: unknown }) => {
        const { cursor } = reply as { cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] } };
        if (cursor) batches.push((cursor.firstBatch ?? cursor.nextBatch ?? []).length);
      };
      client.on('commandSucceeded', count);
      const seen: unknown[] = [];
      for await (const row of rows.find({}).sort({ n: 1 }).batchSize(100).lean().cursor()) seen.push(row.n);
      client.off('commandSucceeded', count);
      expect(seen).toEqual(numbered(1_000).map(({ n }) => n));
      expect(batches.filter((size) => size > 0)).toEqual(Array.from({ length: 10 }, () => 100));
    });

    it('the first batch has 101 documents where no size is asked for', async () => {
      const rows = await engine.collectionOf(...numbered(150));
      const { cursor } = await engine.db.command({ find: rows.collectionName });
      expect(cursor.firstBatch).toHaveLength(101);
      expect(await rows.find({}).toArray()).toHaveLength(150);
    });

    it('a first batch of 0 opens a cursor', async () => {
      const rows = await engine.collectionOf(...numbered(3));
      const { cursor } = await engine.db.command({ find: rows.collectionName, batchSize: 0 });
      expect(cursor.firstBatch).toEqual([]);
      const more = await engine.db.command({ getMore: Long.fromValue(cursor.id), collection: rows.collectionName });
      expect(more.cursor.nextBatch).toHaveLength(3);
      expect(Number(more.cursor.id)).toBe(0);
    });

    it('limit ends a cursor, whatever the batches', async () => {
      const rows = await engine.collectionOf(...numbered(50));
      expect(await rows.find({}, { limit: 25, batchSize: 10 }).toArray()).toHaveLength(25);
      const { cursor } = await engine.db.command({ find: rows.collectionName, limit: 5 });
      expect([cursor.firstBatch.length, Number(cursor.id)]).toEqual([5, 0]);
    });

    it('an aggregation goes past one batch too', async () => {
      const rows = await engine.rows(...numbered(500));
      const seen: unknown[] = [];
      for await (const row of rows.aggregate([{ $sort: { n: -1 } }]).cursor({ batchSize: 120 })) seen.push(row.n);
      expect([seen.length, seen[0], seen.at(-1)]).toEqual([500, 499, 0]);
    });

    it('leaving a loop early closes the cursor on the server', async () => {
      const rows = await engine.collectionOf(...numbered(300));
      const killed: unknown[] = [];
      const note = ({ reply }: { reply: unknown }) =>
        killed.push((reply as { cursorsKilled?: unknown[] }).cursorsKilled);
      const client = engine.connection.getClient().on('commandSucceeded', note);
      const cursor = rows.find({}, { batchSize: 10 });
      for await (const row of cursor) if (row.n === 15) break;
      await cursor.close();
      client.off('commandSucceeded', note);
      expect(killed.filter((ids) => ids !== undefined)).toMatchObject([{ length: 1 }]);
    });

    it('a killed cursor is CursorNotFound', async () => {
      const rows = await engine.collectionOf(...numbered(20));
      const { cursor } = await engine.db.command({ find: rows.collectionName, batchSize: 2 });
      const id = Long.fromValue(cursor.id);
      const killed = await engine.db.command({ killCursors: rows.collectionName, cursors: [id] });
      expect(killed.cursorsKilled.map(String)).toEqual([id.toString()]);
      await engine.refuses(engine.db.command({ getMore: id, collection: rows.collectionName }), 43);
    });

    it('killing a cursor that is not there says so', async () => {
      const killed = await engine.db.command({ killCursors: 'nowhere', cursors: [Long.fromNumber(123_456)] });
      expect(killed.cursorsNotFound.map(String)).toEqual(['123456']);
    });

    it('the order stays that of the start while documents change and go', async () => {
      const rows = await engine.collectionOf(...numbered(60));
      const cursor = rows.find({ n: { $gte: 0 } }, { sort: { n: 1 }, batchSize: 10 });
      const seen = [(await cursor.next())!.n];
      await rows.deleteMany({ n: { $gte: 55 } });
      for await (const row of cursor) seen.push(row.n);
      expect(seen.slice(0, 55)).toEqual(numbered(55).map(({ n }) => n));
      expect(new Set(seen).size).toBe(seen.length);
    });
  });

  describe('counting', () => {
    it('countDocuments takes filter, skip and limit; the estimate is all', async () => {
      const rows = await engine.rows(...numbered(30));
      expect(await rows.countDocuments({ n: { $gte: 10 } })).toBe(20);
      expect(await rows.countDocuments({}, { skip: 25, limit: 10 })).toBe(5);
      expect(await rows.countDocuments({ n: -1 })).toBe(0);
      expect(await rows.estimatedDocumentCount()).toBe(30);
    });

    it('the count command takes filter, skip and limit', async () => {
      const rows = await engine.collectionOf(...numbered(30));
      const count = { count: rows.collectionName, query: { n: { $lt: 20 } } };
      expect((await engine.db.command(count)).n).toBe(20);
      expect((await engine.db.command({ ...count, skip: 5, limit: 7 })).n).toBe(7);
    });

    it('distinct takes each value once, elements of arrays one by one, null but not missing', async () => {
      const rows = await engine.rows(
        { a: [1, 2] },
        { a: 2 },
        { a: null },
        {},
        { a: [3, [4]] },
        { a: new mongo.Double(1) },
        { a: [] },
      );
      const values = await rows.distinct('a');
      expect(values).toHaveLength(5);
      expect(values).toEqual(expect.arrayContaining([1, 2, 3, [4], null]));
    });

    it('distinct takes a path through arrays and a filter', async () => {
      const rows = await engine.rows(
        { o: 1, l: [{ t: 'x' }, { t: 'y' }] },
        { o: 2, l: [{ t: 'z' }] },
        { o: 1, l: { t: 'x' } },
      );
      expect((await rows.distinct('l.t', { o: 1 })).sort()).toEqual(['x', 'y']);
    });

    it('an error of one command leaves others in flight alone', async () => {
      const rows = await engine.rows(...numbered(10));
      const [bad, good] = await Promise.all([
        refusal(rows.collection.find({ $nope: 1 }).toArray()),
        rows.find({}).lean(),
      ]);
      expect([(bad as { code?: unknown }).code, good.length]).toEqual([2, 10]);
    });
  });
}
