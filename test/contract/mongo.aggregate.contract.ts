import { mongo, Schema, Types, type PipelineStage } from 'mongoose';
import { stored, type Engine } from './mongo.engine.js';

/** Documents (numbered from 0), the stages, the exact answer in its order. */
type Case = [promise: string, documents: object[], pipeline: object[], expected: object[]];

const { Long } = mongo;
const utc = (iso: string) => new Date(iso);
const byId = { $sort: { _id: 1 } };
const tasks = [
  { o: 'a', s: 'open', p: 1, t: ['x', 'y'] },
  { o: 'a', s: 'done', p: 3, t: [] },
  { o: 'b', s: 'open', p: 2, t: ['x'] },
  { o: 'a', s: 'open', p: null },
];

const stages: Case[] = [
  ['$match and $count', tasks, [{ $match: { o: 'a' } }, { $count: 'n' }], [{ n: 3 }]],
  [
    '$sort, $skip, $limit and $project',
    tasks,
    [{ $sort: { p: -1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { p: 1, _id: 0 } }],
    [{ p: 2 }, { p: 1 }],
  ],
  [
    '$sort knows the order of types and of arrays',
    [{ v: 'x' }, { v: [1, 9] }, { v: 5 }, {}],
    [{ $sort: { v: 1 } }, { $project: { _id: 1 } }],
    [3, 1, 2, 0].map((_id) => ({ _id })),
  ],
  [
    '$project computes, renames and leaves out',
    [{ a: 2, b: { c: 3 } }],
    [{ $project: { _id: 0, sum: { $add: ['$a', '$b.c'] }, c: '$b.c', gone: '$zz' } }],
    [{ sum: 5, c: 3 }],
  ],
  [
    '$addFields adds, replaces and nests',
    [{ a: 1, b: { c: 1 } }],
    [{ $addFields: { a: { $add: ['$a', 1] }, 'b.d': '$a' } }],
    [{ _id: 0, a: 2, b: { c: 1, d: 1 } }],
  ],
  [
    '$unset removes, also by path',
    [{ a: 1, b: { c: 1, d: 2 } }],
    [{ $unset: ['a', 'b.c'] }],
    [{ _id: 0, b: { d: 2 } }],
  ],
  [
    '$unwind makes one document an element; empty and missing drop out',
    [{ t: ['x', 'y'] }, { t: [] }, {}, { t: 'z' }, { t: null }],
    [{ $unwind: '$t' }],
    [
      { _id: 0, t: 'x' },
      { _id: 0, t: 'y' },
      { _id: 3, t: 'z' },
    ],
  ],
  [
    '$unwind may keep what is empty and tell the index',
    [{ t: ['x', 'y'] }, { t: [] }],
    [
      { $unwind: { path: '$t', preserveNullAndEmptyArrays: true, includeArrayIndex: 'i' } },
      { $project: { t: 1, i: { $ifNull: ['$i', -1] } } },
    ],
    [
      { _id: 0, t: 'x', i: 0 },
      { _id: 0, t: 'y', i: 1 },
      { _id: 1, i: -1 },
    ],
  ],
  ['$replaceRoot takes an embedded document', [{ a: { x: 1 } }], [{ $replaceRoot: { newRoot: '$a' } }], [{ x: 1 }]],
  [
    '$replaceRoot merges with $$ROOT',
    [{ a: { x: 1 }, x: 2 }],
    [{ $replaceRoot: { newRoot: { $mergeObjects: ['$$ROOT', '$a'] } } }],
    [{ _id: 0, a: { x: 1 }, x: 1 }],
  ],
  [
    '$facet runs several pipelines over one input',
    tasks,
    [{ $facet: { n: [{ $count: 'n' }], top: [{ $sort: { p: -1 } }, { $limit: 1 }, { $project: { _id: 1 } }] } }],
    [{ n: [{ n: 4 }], top: [{ _id: 1 }] }],
  ],
  [
    '$facet of nothing has empty arrays',
    [{ a: 1 }],
    [{ $match: { a: 2 } }, { $facet: { n: [{ $limit: 1 }] } }],
    [{ n: [] }],
  ],
];

const groups: Case[] = [
  [
    '$sum counts and adds, by key',
    tasks,
    [{ $group: { _id: '$o', n: { $sum: 1 }, p: { $sum: '$p' } } }, byId],
    [
      { _id: 'a', n: 3, p: 4 },
      { _id: 'b', n: 1, p: 2 },
    ],
  ],
  [
    '$sum with $cond counts what meets a condition',
    tasks,
    [{ $group: { _id: null, open: { $sum: { $cond: [{ $eq: ['$s', 'open'] }, 1, 0] } } } }],
    [{ _id: null, open: 3 }],
  ],
  [
    '$sum leaves out what is no number',
    [{ v: 1 }, { v: 'x' }, { v: null }, {}, { v: 2.5 }],
    [{ $group: { _id: null, v: { $sum: '$v' } } }],
    [{ _id: null, v: 3.5 }],
  ],
  [
    '$avg, $min and $max leave null out',
    tasks,
    [{ $group: { _id: '$o', avg: { $avg: '$p' }, min: { $min: '$p' }, max: { $max: '$p' } } }, byId],
    [
      { _id: 'a', avg: 2, min: 1, max: 3 },
      { _id: 'b', avg: 2, min: 2, max: 2 },
    ],
  ],
  [
    '$avg, $min and $max of nothing are null',
    [{}],
    [{ $group: { _id: null, avg: { $avg: '$p' }, min: { $min: '$p' }, max: { $max: '$p' } } }],
    [{ _id: null, avg: null, min: null, max: null }],
  ],
  [
    '$push and $first follow the order before',
    tasks,
    [
      { $sort: { _id: -1 } },
      { $group: { _id: '$o', ids: { $push: '$_id' }, first: { $first: '$_id' }, last: { $last: '$_id' } } },
      byId,
    ],
    [
      { _id: 'a', ids: [3, 1, 0], first: 3, last: 0 },
      { _id: 'b', ids: [2], first: 2, last: 2 },
    ],
  ],
  [
    'a key of several fields',
    tasks,
    [{ $group: { _id: { o: '$o', s: '$s' }, n: { $sum: 1 } } }, { $sort: { '_id.o': 1, '_id.s': 1 } }],
    [
      { _id: { o: 'a', s: 'done' }, n: 1 },
      { _id: { o: 'a', s: 'open' }, n: 2 },
      { _id: { o: 'b', s: 'open' }, n: 1 },
    ],
  ],
  [
    'null and missing are one key',
    [{ k: null }, {}, { k: 1 }],
    [{ $group: { _id: '$k', n: { $sum: 1 } } }, byId],
    [
      { _id: null, n: 2 },
      { _id: 1, n: 1 },
    ],
  ],
  [
    'equal numbers are one key',
    [{ k: 1 }, { k: Long.fromNumber(1) }, { k: new mongo.Double(1) }],
    [{ $group: { _id: '$k', n: { $sum: 1 } } }],
    [{ _id: 1, n: 3 }],
  ],
  [
    'dates are keys by value',
    [{ k: utc('2026-01-01T00:00:00Z') }, { k: utc('2026-01-01T00:00:00Z') }],
    [{ $group: { _id: '$k', n: { $sum: 1 } } }],
    [{ _id: utc('2026-01-01T00:00:00Z'), n: 2 }],
  ],
  [
    'nothing has no group, not even of null',
    [{ a: 1 }],
    [{ $match: { a: 2 } }, { $group: { _id: null, n: { $sum: 1 } } }],
    [],
  ],
  [
    '$unwind before counts elements',
    tasks,
    [{ $unwind: '$t' }, { $group: { _id: '$t', n: { $sum: 1 } } }, byId],
    [
      { _id: 'x', n: 2 },
      { _id: 'y', n: 1 },
    ],
  ],
];

const refusals: [promise: string, stage: object, code: number][] = [
  ['an unknown stage', { $nope: {} }, 40324],
  ['an unknown expression', { $project: { a: { $nope: 1 } } }, 168],
  ['an unknown accumulator', { $group: { _id: null, a: { $nope: 1 } } }, 15952],
  ['a $limit of 0', { $limit: 0 }, 15958],
  ['a $group without a key', { $group: { n: { $sum: 1 } } }, 15955],
];

export function aggregateContract(engine: Engine): void {
  describe.each([
    ['stages', stages],
    ['groups', groups],
  ])('aggregate: %s', (_theme, cases) => {
    it.each(cases)('%s', async (_promise, documents, pipeline, expected) => {
      const rows = await engine.rows(...documents);
      const before = await rows.find({}).sort({ _id: 1 }).lean();
      expect(await rows.aggregate(pipeline as PipelineStage[])).toEqual(expected);
      expect(await rows.find({}).sort({ _id: 1 }).lean()).toEqual(before);
    });
  });

  describe('aggregate: $lookup', () => {
    it('joins by value, through arrays, and null with missing', async () => {
      const rows = await engine.collectionOf({ k: 1 }, { k: [2, 3] }, { k: 9 }, {});
      const others = await engine.collectionOf(
        { f: 1, n: 'one' },
        { f: 2, n: 'two' },
        { f: 3, n: 'three' },
        { n: 'none' },
      );
      const from = others.collectionName;
      const joined = rows.aggregate([
        { $sort: { _id: 1 } },
        { $lookup: { from, localField: 'k', foreignField: 'f', as: 'o' } },
        { $project: { names: '$o.n' } },
      ]);
      expect((await joined.toArray()).map(({ names }) => names.sort())).toEqual([
        ['one'],
        ['three', 'two'],
        [],
        ['none'],
      ]);
    });
  });

  describe('aggregate: Mongoose', () => {
    it('does not cast: an id must be an ObjectId', async () => {
      const things = engine.typed(new Schema<{ owner: Types.ObjectId }>({ owner: Schema.Types.ObjectId }));
      const owner = new Types.ObjectId();
      await things.create({ owner });
      expect(await things.aggregate([{ $match: { owner: owner.toString() } }])).toEqual([]);
      expect(await things.aggregate([{ $match: { owner } }])).toHaveLength(1);
      expect(await things.find({ owner: owner.toString() }).lean()).toHaveLength(1);
    });

    it('$sum of Longs is exact', async () => {
      const rows = await engine.collectionOf({ v: Long.fromString('9007199254740993') }, { v: Long.fromNumber(2) });
      const options = { promoteLongs: false, promoteValues: false };
      const [row] = await rows.aggregate([{ $group: { _id: null, v: { $sum: '$v' } } }], options).toArray();
      expect(row!.v.toString()).toBe('9007199254740995');
    });
  });

  describe('aggregate: refusals', () => {
    it.each(refusals)('%s is refused', async (_promise, stage, code) => {
      const rows = await engine.collectionOf({ a: 1 });
      await engine.refuses(rows.aggregate([stage]).toArray(), code);
      expect(await stored(rows)).toEqual([{ _id: 0, a: 1 }]);
    });
  });
}
