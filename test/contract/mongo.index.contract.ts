import { mongo, Schema } from 'mongoose';
import { refusal, stored, type Engine } from './mongo.engine.js';

export function indexContract(engine: Engine): void {
  describe('index definitions', () => {
    it('every collection has the index of _id', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      expect(await rows.indexes()).toMatchObject([{ name: '_id_', key: { _id: 1 } }]);
    });

    it('are named by their keys and listed with fields in order', async () => {
      const rows = engine.collection();
      expect(await rows.createIndex({ owner: 1, 'idem.at': -1 })).toBe('owner_1_idem.at_-1');
      const [, made] = await rows.indexes();
      expect(JSON.stringify(made!.key)).toBe('{"owner":1,"idem.at":-1}');
    });

    it('are made several at once, before there is a collection', async () => {
      const rows = engine.collection();
      expect(await rows.createIndexes([{ key: { a: 1 } }, { key: { b: -1 }, name: 'mine' }])).toEqual(['a_1', 'mine']);
      expect((await rows.indexes()).map(({ name }) => name)).toEqual(['_id_', 'a_1', 'mine']);
    });

    it('may be made again with nothing changed', async () => {
      const rows = engine.collection();
      await rows.createIndex({ a: 1 }, { unique: true });
      await rows.createIndex({ a: 1 }, { unique: true });
      expect(await rows.indexes()).toHaveLength(2);
    });

    it('list unique, sparse, partial and TTL', async () => {
      const rows = engine.collection();
      const partialFilterExpression = { 'idem.key': { $exists: true } };
      await rows.createIndexes([
        { key: { u: 1 }, unique: true },
        { key: { s: 1 }, sparse: true },
        { key: { owner: 1, 'idem.key': 1 }, unique: true, partialFilterExpression },
        { key: { at: 1 }, expireAfterSeconds: 3600 },
        { key: { due: 1 }, expireAfterSeconds: 0 },
      ]);
      expect((await rows.indexes()).slice(1)).toMatchObject([
        { name: 'u_1', unique: true },
        { name: 's_1', sparse: true },
        { name: 'owner_1_idem.key_1', unique: true, partialFilterExpression },
        { name: 'at_1', expireAfterSeconds: 3600 },
        { name: 'due_1', expireAfterSeconds: 0 },
      ]);
    });

    it.each([
      ['one name for two keys', { b: 1 }, { name: 'a_1' }, [86]],
      ['two names for one key', { a: 1 }, { name: 'other' }, [85]],
      ['other options under the same name', { a: 1 }, { expireAfterSeconds: 5 }, [85, 86]],
    ])('%s conflict', async (_promise, key, options, codes) => {
      const rows = engine.collection();
      await rows.createIndex({ a: 1 });
      const error = await refusal(rows.createIndex(key, options));
      expect(codes).toContain((error as { code?: unknown }).code);
      expect(await rows.indexes()).toHaveLength(2);
    });

    it('are dropped by name or key, and all but that of _id at once', async () => {
      const rows = engine.collection();
      await rows.createIndexes([{ key: { a: 1 } }, { key: { b: 1 } }, { key: { c: 1 } }]);
      await rows.dropIndex('a_1');
      await engine.db.command({ dropIndexes: rows.collectionName, index: { b: 1 } });
      expect((await rows.indexes()).map(({ name }) => name)).toEqual(['_id_', 'c_1']);
      await rows.dropIndexes();
      expect((await rows.indexes()).map(({ name }) => name)).toEqual(['_id_']);
    });

    it('an index that is not there, and that of _id, cannot be dropped', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      await engine.refuses(rows.dropIndex('nope_1'), 27);
      await engine.refuses(rows.dropIndex('_id_'), 72);
    });

    it('Mongoose makes those of a schema and removes the others', async () => {
      const schema = new Schema<{ owner: string; at: Date }>(
        { owner: String, at: Date },
        { autoIndex: false, autoCreate: false },
      );
      schema.index({ owner: 1, at: -1 }).index({ at: 1 }, { expireAfterSeconds: 60 });
      const notes = engine.typed(schema);
      await notes.collection.createIndex({ stray: 1 });
      expect(await notes.diffIndexes()).toMatchObject({ toDrop: ['stray_1'], toCreate: { length: 2 } });
      expect(await notes.syncIndexes()).toEqual(['stray_1']);
      expect((await notes.listIndexes()).map(({ name }) => name).sort()).toEqual(['_id_', 'at_1', 'owner_1_at_-1']);
      expect(await notes.diffIndexes()).toEqual({ toDrop: [], toCreate: [] });
    });

    it('a hint names the index to use; an unknown one is refused', async () => {
      const rows = await engine.collectionOf({ a: 1 }, { a: 2 });
      await rows.createIndex({ a: 1 });
      expect(await rows.find({ a: 2 }, { hint: 'a_1' }).toArray()).toEqual([{ _id: 1, a: 2 }]);
      await engine.refuses(rows.find({ a: 2 }, { hint: 'nope_1' }).toArray(), 2);
    });
  });

  describe('unique indexes', () => {
    const unique = async (key: Record<string, 1>, options: object, ...documents: object[]) => {
      const rows = await engine.collectionOf(...documents);
      await rows.createIndex(key, { unique: true, ...options });
      return rows;
    };
    const partial = { partialFilterExpression: { 'idem.key': { $exists: true } } };

    /** What is there, what is inserted next, and whether that is a duplicate. */
    const inserts: [
      promise: string,
      key: Record<string, 1>,
      options: object,
      first: object,
      second: object,
      taken: boolean,
    ][] = [
      ['a missing field counts as null', { a: 1 }, {}, {}, { a: null }, true],
      ['numbers are one value in every type', { a: 1 }, {}, { a: 1 }, { a: new mongo.Double(1) }, true],
      ['strings differ by case', { a: 1 }, {}, { a: 'x' }, { a: 'X' }, false],
      ['strings differ after NUL', { a: 1 }, {}, { a: 'x\0y' }, { a: 'x\0z' }, false],
      ['strings differ from numbers', { a: 1 }, {}, { a: 1 }, { a: '1' }, false],
      ['documents differ by field order', { a: 1 }, {}, { a: { x: 1, y: 1 } }, { a: { y: 1, x: 1 } }, false],
      ['dates differ by a millisecond', { a: 1 }, {}, { a: new Date(1) }, { a: new Date(2) }, false],
      ['a compound key is taken as a whole', { o: 1, k: 1 }, {}, { o: 1, k: 1 }, { o: 1, k: 1 }, true],
      ['half a compound key is free', { o: 1, k: 1 }, {}, { o: 1, k: 1 }, { o: 2, k: 1 }, false],
      ['an element of an array is a key', { a: 1 }, {}, { a: [1, 2] }, { a: 2 }, true],
      ['other elements are free', { a: 1 }, {}, { a: [1, 2] }, { a: [3, 4] }, false],
      ['sparse leaves missing fields out', { a: 1 }, { sparse: true }, {}, {}, false],
      ['sparse does not leave null out', { a: 1 }, { sparse: true }, { a: null }, { a: null }, true],
      ['partial leaves out what its filter does', { o: 1, 'idem.key': 1 }, partial, { o: 1 }, { o: 1 }, false],
      [
        'partial holds what its filter takes',
        { o: 1, 'idem.key': 1 },
        partial,
        { o: 1, idem: { key: 'k' } },
        { o: 1, idem: { key: 'k' } },
        true,
      ],
      [
        'partial keys are free for another owner',
        { o: 1, 'idem.key': 1 },
        partial,
        { o: 1, idem: { key: 'k' } },
        { o: 2, idem: { key: 'k' } },
        false,
      ],
    ];

    it.each(inserts)('%s', async (_promise, key, options, first, second, taken) => {
      const rows = await unique(key, options, first);
      const [outcome] = await Promise.allSettled([rows.insertOne({ _id: 9, ...second })]);
      expect(outcome).toMatchObject(
        taken ? { status: 'rejected', reason: { code: 11000, keyPattern: key } } : { status: 'fulfilled' },
      );
      expect(await rows.countDocuments({})).toBe(taken ? 1 : 2);
    });

    it('an array may repeat an element within its document', async () => {
      const rows = await unique({ a: 1 }, {}, { a: 0 });
      expect(await rows.insertOne({ _id: 9, a: [5, 5] })).toMatchObject({ insertedId: 9 });
    });

    it('cannot be made over duplicates, and are not listed then', async () => {
      const rows = await engine.collectionOf({ a: 1 }, { a: 2 }, { a: 1 });
      await engine.refuses(rows.createIndex({ a: 1 }, { unique: true }), 11000);
      expect(await rows.indexes()).toHaveLength(1);
      expect(await rows.insertOne({ _id: 9, a: 2 })).toMatchObject({ insertedId: 9 });
    });

    it('free a key that was changed, unset or deleted', async () => {
      const rows = await unique({ a: 1 }, { sparse: true }, { a: 1 }, { a: 2 }, { a: 3 });
      await rows.updateOne({ _id: 0 }, { $set: { a: 10 } });
      await rows.updateOne({ _id: 1 }, { $unset: { a: '' } });
      await rows.deleteOne({ _id: 2 });
      expect(
        await rows.insertMany([
          { _id: 11, a: 1 },
          { _id: 12, a: 2 },
          { _id: 13, a: 3 },
        ]),
      ).toMatchObject({ insertedCount: 3 });
      expect(await refusal(rows.insertOne({ _id: 14, a: 10 }))).toMatchObject({ code: 11000 });
    });

    it('hold after a refused update: the old key is taken, the new one is not', async () => {
      const rows = await unique({ a: 1 }, {}, { a: 1, b: 0 }, { a: 2, b: 0 });
      await rows.createIndex({ b: 1 });
      expect(await refusal(rows.updateOne({ _id: 1 }, { $set: { a: 1, b: 5 } }))).toMatchObject({ code: 11000 });
      expect(await refusal(rows.insertOne({ _id: 9, a: 2 }))).toMatchObject({ code: 11000 });
      expect([await rows.countDocuments({ b: 5 }), await rows.countDocuments({ b: 0 })]).toEqual([0, 2]);
    });

    it('take a document into a partial index when an update makes it match', async () => {
      const rows = await unique({ o: 1, 'idem.key': 1 }, partial, { o: 1, idem: { key: 'k' } }, { o: 1 });
      expect(await refusal(rows.updateOne({ _id: 1, o: 1 }, { $set: { idem: { key: 'k' } } }))).toMatchObject({
        code: 11000,
      });
      await rows.updateOne({ _id: 0 }, { $unset: { idem: '' } });
      expect(await rows.updateOne({ _id: 1 }, { $set: { idem: { key: 'k' } } })).toMatchObject({ modifiedCount: 1 });
    });

    it('stop an updateMany at the duplicate', async () => {
      const rows = await unique({ a: 1 }, {}, { a: 1 }, { a: 2 }, { a: 3 });
      expect(await refusal(rows.updateMany({}, { $set: { a: 7 } }))).toMatchObject({ code: 11000 });
      expect(await rows.countDocuments({ a: 7 })).toBeLessThanOrEqual(1);
    });
  });

  describe('indexes never hide a document', () => {
    it('sparse and partial indexes serve no query that wants what they left out', async () => {
      const rows = await engine.collectionOf({ a: 1, b: 1 }, { b: 2 }, { a: null }, { a: 5, b: 9 });
      await rows.createIndex({ a: 1 }, { sparse: true });
      await rows.createIndex({ b: 1 }, { partialFilterExpression: { b: { $gt: 5 } } });
      expect((await rows.find({}).sort({ a: 1, _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual([1, 2, 0, 3]);
      expect(await rows.countDocuments({ a: null })).toBe(2);
      expect(
        (
          await rows
            .find({ b: { $gte: 1 } })
            .sort({ b: 1 })
            .toArray()
        ).map(({ _id }) => _id),
      ).toEqual([0, 1, 3]);
    });

    it('an array is found by each element and answered once', async () => {
      const rows = await engine.collectionOf({ t: ['x', 'y'] }, { t: ['y', 'z'] }, { t: [] }, {}, { t: 'y' });
      await rows.createIndex({ t: 1 });
      expect((await rows.find({ t: { $in: ['x', 'y', 'z'] } }).toArray()).map(({ _id }) => _id).sort()).toEqual([
        0, 1, 4,
      ]);
      expect(
        (
          await rows
            .find({ t: { $gte: 'a' } })
            .sort({ t: 1, _id: 1 })
            .toArray()
        ).map(({ _id }) => _id),
      ).toEqual([0, 1, 4]);
      expect(await rows.countDocuments({ t: null })).toBe(1);
      expect(await rows.countDocuments({ t: [] })).toBe(1);
      expect(await rows.find({ t: ['y', 'z'] }).toArray()).toEqual([{ _id: 1, t: ['y', 'z'] }]);
    });

    it('an index made late holds what was there, and follows every change', async () => {
      const rows = await engine.collectionOf({ a: 1 }, { a: 2 }, { a: 3 });
      await rows.createIndex({ a: 1 });
      await rows.updateOne({ a: 1 }, { $set: { a: 4 } });
      await rows.deleteOne({ a: 2 });
      await rows.insertOne({ _id: 9, a: 0 });
      expect(
        (
          await rows
            .find({ a: { $gte: 0 } })
            .sort({ a: -1 })
            .toArray()
        ).map(({ a }) => a),
      ).toEqual([4, 3, 0]);
      expect(await stored(rows)).toHaveLength(3);
    });
  });
}
