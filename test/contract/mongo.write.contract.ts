import { Schema, Types } from 'mongoose';
import { refusal, stored, type Engine } from './mongo.engine.js';

export function writeContract(engine: Engine): void {
  const owners = async () => {
    const rows = await engine.rows({ owner: 1, key: 'a', n: 0 }, { owner: 1, key: 'b', n: 0 });
    await rows.collection.createIndex({ owner: 1, key: 1 }, { unique: true });
    return rows;
  };
  const duplicate = {
    code: 11000,
    keyPattern: { owner: 1, key: 1 },
    keyValue: { owner: 1, key: 'a' },
    message: expect.stringMatching(/^E11000 duplicate key error collection: \S+ index: owner_1_key_1 dup key: /),
  };

  describe('insert', () => {
    it('answers the ids, its own or given', async () => {
      const rows = engine.db.collection(engine.name());
      const one = await rows.insertOne({ a: 1 });
      const many = await rows.insertMany([{ a: 2 }, { a: 3 }]);
      expect(one).toEqual({ acknowledged: true, insertedId: expect.any(Types.ObjectId) });
      expect(many.insertedCount).toBe(2);
      const found = await rows.find({}).sort({ a: 1 }).toArray();
      expect(found.map((row) => row._id)).toEqual([one.insertedId, many.insertedIds[0], many.insertedIds[1]]);
    });

    it('in order stops at a duplicate and keeps what came before', async () => {
      const rows = engine.collection();
      const error = await refusal(rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 1 }, { _id: 3 }]));
      expect(error).toMatchObject({
        code: 11000,
        result: { insertedCount: 2 },
        writeErrors: [{ index: 2, code: 11000 }],
      });
      expect(await stored(rows)).toEqual([{ _id: 1 }, { _id: 2 }]);
    });

    it('out of order inserts everything but the duplicates', async () => {
      const rows = engine.collection();
      const work = rows.insertMany([{ _id: 1 }, { _id: 1 }, { _id: 2 }, { _id: 2 }, { _id: 3 }], { ordered: false });
      const error = await refusal(work);
      expect(error).toMatchObject({
        code: 11000,
        result: { insertedCount: 3 },
        writeErrors: [{ index: 1 }, { index: 3 }],
      });
      expect(await stored(rows)).toEqual([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
    });

    it.each([
      ['a string', 'x'],
      ['a date', new Date(5)],
      ['a document', { b: 1, a: 2 }],
    ])('%s may be the _id, once', async (_promise, _id) => {
      const rows = engine.collection();
      await rows.insertOne({ _id: _id as never });
      expect(await refusal(rows.insertOne({ _id: _id as never }))).toMatchObject({
        code: 11000,
        keyPattern: { _id: 1 },
        keyValue: { _id },
      });
      expect(await rows.countDocuments({ _id: _id as never })).toBe(1);
    });

    it('an array may not be the _id', async () => {
      const rows = engine.collection();
      await engine.refuses(rows.insertOne({ _id: [1] as never }), 2);
      expect(await stored(rows)).toEqual([]);
    });

    it('Mongoose creates with defaults, timestamps and a version key', async () => {
      const notes = engine.typed(
        new Schema<{ title: string; done: boolean; createdAt?: Date }>(
          { title: String, done: { type: Boolean, default: false } },
          { timestamps: true },
        ),
      );
      const note = await notes.create({ title: 'x' });
      const found = await notes.collection.findOne({ _id: note._id });
      expect(found).toEqual({
        _id: note._id,
        title: 'x',
        done: false,
        createdAt: note.createdAt,
        updatedAt: note.createdAt,
        __v: 0,
      });
    });
  });

  describe('duplicate keys', () => {
    it.each<[promise: string, work: (rows: Awaited<ReturnType<typeof owners>>) => Promise<unknown>]>([
      ['an insert', (rows) => rows.create({ _id: 9, owner: 1, key: 'a' })],
      ['an update', (rows) => rows.updateOne({ _id: 1, owner: 1 }, { $set: { key: 'a' } }).exec()],
      ['an upsert', (rows) => rows.updateOne({ _id: 9 }, { $set: { owner: 1, key: 'a' } }, { upsert: true }).exec()],
      ['a replacement', (rows) => rows.replaceOne({ _id: 1 }, { owner: 1, key: 'a' }).exec()],
      ['findOneAndUpdate', (rows) => rows.findOneAndUpdate({ _id: 1, owner: 1 }, { $set: { key: 'a' } }).exec()],
      [
        'findOneAndUpdate with upsert',
        (rows) => rows.findOneAndUpdate({ _id: 9 }, { $set: { owner: 1, key: 'a' } }, { upsert: true }).exec(),
      ],
    ])('%s tells pattern and value, and changes nothing', async (_promise, work) => {
      const rows = await owners();
      expect(await refusal(work(rows))).toMatchObject(duplicate);
      expect(await rows.find({}).sort({ _id: 1 }).lean()).toEqual([
        { _id: 0, owner: 1, key: 'a', n: 0 },
        { _id: 1, owner: 1, key: 'b', n: 0 },
      ]);
    });

    it('an update to its own value is none', async () => {
      const rows = await owners();
      expect(await rows.updateOne({ _id: 0 }, { $set: { key: 'a', n: 1 } })).toMatchObject({ modifiedCount: 1 });
    });
  });

  describe('update and replace', () => {
    it('updateOne changes one, updateMany all that match', async () => {
      const rows = await engine.rows({ a: 1 }, { a: 1 }, { a: 2 });
      expect(await rows.updateOne({ a: 1 }, { $set: { b: 1 } })).toMatchObject({
        matchedCount: 1,
        modifiedCount: 1,
        upsertedCount: 0,
        upsertedId: null,
      });
      expect(await rows.updateMany({ a: 1 }, { $set: { b: 1 } })).toMatchObject({ matchedCount: 2, modifiedCount: 1 });
      expect(await rows.countDocuments({ b: 1 })).toBe(2);
    });

    it('counts as modified only what changed', async () => {
      const rows = await engine.rows({ a: 1, l: [1] });
      for (const update of [
        { $set: { a: 1 } },
        { $unset: { z: '' } },
        { $min: { a: 5 } },
        { $addToSet: { l: 1 } },
        { $pull: { l: 9 } },
      ]) {
        expect(await rows.updateOne({ _id: 0 }, update)).toMatchObject({ matchedCount: 1, modifiedCount: 0 });
      }
    });

    it('replaceOne keeps the _id and nothing else', async () => {
      const rows = await engine.rows({ a: 1, b: 2 });
      expect(await rows.replaceOne({ _id: 0 }, { c: 3 })).toMatchObject({ matchedCount: 1, modifiedCount: 1 });
      expect(await rows.find({}).lean()).toEqual([{ _id: 0, c: 3 }]);
    });

    it('replaceOne refuses another _id', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      await engine.refuses(rows.replaceOne({ a: 1 }, { _id: 5, a: 2 }), 66);
      expect(await stored(rows)).toEqual([{ _id: 0, a: 1 }]);
    });

    it('an update of nothing changes nothing, also where no collection is', async () => {
      const rows = engine.model();
      expect(await rows.updateMany({ a: 1 }, { $set: { b: 1 } })).toMatchObject({
        matchedCount: 0,
        modifiedCount: 0,
        upsertedCount: 0,
      });
      expect(await rows.deleteMany({})).toEqual({ acknowledged: true, deletedCount: 0 });
    });
  });

  describe('delete', () => {
    it('deleteOne removes one, deleteMany all that match', async () => {
      const rows = await engine.rows({ a: 1 }, { a: 1 }, { a: 1 }, { a: 2 });
      expect(await rows.deleteOne({ a: 1 })).toEqual({ acknowledged: true, deletedCount: 1 });
      expect(await rows.deleteMany({ a: 1 })).toEqual({ acknowledged: true, deletedCount: 2 });
      expect(await rows.find({}).lean()).toEqual([{ _id: 3, a: 2 }]);
    });
  });

  describe('bulk writes', () => {
    it('mix all kinds and count each', async () => {
      const rows = await engine.rows({ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 });
      const result = await rows.bulkWrite([
        { insertOne: { document: { _id: 10, a: 10 } } },
        { updateOne: { filter: { a: 1 }, update: { $set: { b: 1 } } } },
        { updateMany: { filter: { a: { $gte: 3 } }, update: { $inc: { a: 100 } } } },
        { replaceOne: { filter: { _id: 1 }, replacement: { a: -1 } } },
        { deleteOne: { filter: { _id: 2 } } },
        { updateOne: { filter: { _id: 20 }, update: { $set: { a: 0 } }, upsert: true } },
        { deleteMany: { filter: { a: { $gt: 100 } } } },
      ]);
      expect(result).toMatchObject({
        insertedCount: 1,
        matchedCount: 5,
        modifiedCount: 5,
        deletedCount: 3,
        upsertedCount: 1,
        upsertedIds: { 5: 20 },
      });
      expect(await rows.find({}).sort({ _id: 1 }).lean()).toEqual([
        { _id: 0, a: 1, b: 1 },
        { _id: 1, a: -1 },
        { _id: 20, a: 0 },
      ]);
    });

    it.each([
      [true, [1, 2]],
      [false, [1, 2, 3]],
    ])('with ordered: %p an error leaves %p', async (ordered, left) => {
      const rows = engine.collection();
      const inserts = [1, 2, 2, 3].map((_id) => ({ insertOne: { document: { _id } } }));
      expect(await refusal(rows.bulkWrite(inserts, { ordered }))).toMatchObject({
        code: 11000,
        writeErrors: [{ index: 2 }],
      });
      expect((await stored(rows)).map((row) => row._id)).toEqual(left);
    });
  });
}
