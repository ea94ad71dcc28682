import { Types } from 'mongoose';
import { stored, type Engine } from './mongo.engine.js';

const before = { returnDocument: 'before' } as const;
const after = { returnDocument: 'after' } as const;

/** An upsert into an empty collection and the fields that it must leave. */
const seeds: [promise: string, filter: object, update: object, expected: object][] = [
  [
    'equalities of the filter, paths included, seed the document',
    { a: 1, 'b.c': 2, d: { $eq: 3 } },
    { $set: { z: 9 } },
    { a: 1, b: { c: 2 }, d: 3, z: 9 },
  ],
  [
    'equalities inside $and seed, other operators do not',
    { $and: [{ a: 1 }, { b: { $gt: 5 } }], c: { $in: [1, 2] }, d: { $ne: 4 }, e: { $exists: false } },
    { $set: { z: 9 } },
    { a: 1, z: 9 },
  ],
  ['the update starts from the seed', { a: 5 }, { $inc: { a: 2 } }, { a: 7 }],
  ['$set overrides the seed', { a: 1 }, { $set: { a: 2 } }, { a: 2 }],
  ['$setOnInsert is written beside $set', { a: 1 }, { $set: { b: 2 }, $setOnInsert: { c: 3 } }, { a: 1, b: 2, c: 3 }],
  [
    '$push, $min and $currentDate-free operators work on nothing',
    { a: 1 },
    { $push: { l: 1 }, $min: { m: 4 }, $mul: { n: 2 } },
    { a: 1, l: [1], m: 4, n: 0 },
  ],
];

export function modifyContract(engine: Engine): void {
  describe('upsert', () => {
    it.each(seeds)('%s', async (_promise, filter, update, expected) => {
      const rows = engine.collection();
      const { upsertedCount, upsertedId, matchedCount } = await rows.updateOne({ _id: 7, ...filter }, update, {
        upsert: true,
      });
      expect({ upsertedCount, upsertedId, matchedCount }).toEqual({ upsertedCount: 1, upsertedId: 7, matchedCount: 0 });
      expect(await stored(rows)).toEqual([{ _id: 7, ...expected }]);
    });

    it('makes an ObjectId where the filter has no _id', async () => {
      const rows = engine.model();
      const { upsertedId } = await rows.updateOne({ a: 1 }, { $set: { b: 2 } }, { upsert: true });
      expect(upsertedId).toBeInstanceOf(Types.ObjectId);
      expect(await rows.find({}).lean()).toEqual([{ _id: upsertedId, a: 1, b: 2 }]);
    });

    it('updates what is there instead', async () => {
      const rows = await engine.rows({ a: 1 });
      expect(await rows.updateOne({ a: 1 }, { $set: { b: 2 } }, { upsert: true })).toMatchObject({
        matchedCount: 1,
        upsertedCount: 0,
      });
      expect(await rows.countDocuments({})).toBe(1);
    });

    it('a replacement takes only the _id from the filter', async () => {
      const rows = engine.collection();
      await rows.replaceOne({ _id: 7, a: 1 }, { b: 2 }, { upsert: true });
      expect(await stored(rows)).toEqual([{ _id: 7, b: 2 }]);
    });
  });

  describe('find and modify', () => {
    it('answers the document before or after', async () => {
      const rows = await engine.rows({ a: 1 });
      expect(await rows.findOneAndUpdate({ _id: 0 }, { $inc: { a: 1 } }, before).lean()).toEqual({ _id: 0, a: 1 });
      expect(await rows.findOneAndUpdate({ _id: 0 }, { $inc: { a: 1 } }, after).lean()).toEqual({ _id: 0, a: 3 });
    });

    it('takes the first in the order asked for, and projects', async () => {
      const rows = await engine.rows({ a: 2, s: 'x' }, { a: 9, s: 'y' }, { a: 5, s: 'z' });
      const taken = await rows
        .findOneAndUpdate({}, { $set: { done: true } }, { ...after, sort: { a: -1 }, projection: { done: 1 } })
        .lean();
      expect(taken).toEqual({ _id: 1, done: true });
      expect(await rows.find({ done: true }).lean()).toEqual([{ _id: 1, a: 9, s: 'y', done: true }]);
    });

    it('answers null where nothing matches', async () => {
      const rows = await engine.rows({ a: 1 });
      expect(await rows.findOneAndUpdate({ a: 2 }, { $set: { b: 1 } }, after)).toBeNull();
      expect(await rows.findOneAndDelete({ a: 2 })).toBeNull();
    });

    it('an upsert answers null before and the document after', async () => {
      const rows = engine.collection();
      expect(await rows.findOneAndUpdate({ _id: 1 }, { $set: { a: 1 } }, { ...before, upsert: true })).toBeNull();
      expect(await rows.findOneAndUpdate({ _id: 2 }, { $set: { a: 1 } }, { ...after, upsert: true })).toEqual({
        _id: 2,
        a: 1,
      });
    });

    it('tells whether it updated or inserted', async () => {
      const rows = await engine.collectionOf({ a: 1 });
      const run = (_id: number) =>
        rows.findOneAndUpdate({ _id }, { $set: { a: 2 } }, { upsert: true, includeResultMetadata: true });
      expect((await run(0)).lastErrorObject).toMatchObject({ n: 1, updatedExisting: true });
      expect((await run(5)).lastErrorObject).toMatchObject({ n: 1, updatedExisting: false, upserted: 5 });
    });

    it('findOneAndReplace replaces all but the _id', async () => {
      const rows = await engine.rows({ a: 1, b: 2 });
      expect(await rows.findOneAndReplace({ a: 1 }, { c: 3 }, after).lean()).toEqual({ _id: 0, c: 3 });
    });

    it('findOneAndDelete answers and removes the first in the order asked for', async () => {
      const rows = await engine.rows({ a: 2 }, { a: 1 }, { a: 3 });
      expect(await rows.findOneAndDelete({}, { sort: { a: 1 } }).lean()).toEqual({ _id: 1, a: 1 });
      expect((await rows.find({}).sort({ _id: 1 }).lean()).map((row) => row._id)).toEqual([0, 2]);
    });
  });
}
