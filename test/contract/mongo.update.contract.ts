import { mongo } from 'mongoose';
import { stored, type Engine } from './mongo.engine.js';

/** Fields of the one document before, the update, its fields afterwards. */
type Case = [promise: string, before: object, update: object, after: object];
/** The same with a filter or options that the update needs. */
type ArrayCase = [
  promise: string,
  before: object,
  filter: object,
  update: object,
  arrayFilters: object[],
  after: object,
];
type Refusal = [promise: string, before: object, filter: object, update: object, code: number];

const day = (n: number) => new Date(Date.UTC(2026, 0, n));
const pq = (p: string, q: number) => ({ p, q });

const fields: Case[] = [
  ['$set replaces in place and appends what is new', { a: 1, b: 2 }, { $set: { a: 3, c: 4 } }, { a: 3, b: 2, c: 4 }],
  ['$set makes the documents that a path needs', {}, { $set: { 'a.b.c': 1 } }, { a: { b: { c: 1 } } }],
  [
    '$set changes one field of an embedded document',
    { a: { x: 1, y: 2 } },
    { $set: { 'a.y': 3 } },
    { a: { x: 1, y: 3 } },
  ],
  ['$set by index changes an element', { a: [1, 2, 3] }, { $set: { 'a.1': 9 } }, { a: [1, 9, 3] }],
  ['$set past the end pads with null', { a: [1] }, { $set: { 'a.3': 9 } }, { a: [1, null, null, 9] }],
  ['$set with a number in a new path makes a field, not an array', {}, { $set: { 'a.0': 1 } }, { a: { 0: 1 } }],
  ['$set replaces an array by any type', { a: [1] }, { $set: { a: 'x' } }, { a: 'x' }],
  [
    '$unset removes, also by path; an absent field is no error',
    { a: 1, b: { c: 1, d: 2 } },
    { $unset: { a: '', 'b.c': '', z: '' } },
    { b: { d: 2 } },
  ],
  ['$unset leaves null in an array', { a: [1, 2] }, { $unset: { 'a.0': '' } }, { a: [null, 2] }],
  [
    '$inc adds, subtracts and starts from nothing',
    { a: 5, b: 5 },
    { $inc: { a: 2, b: -7, 'c.d': 1 } },
    { a: 7, b: -2, c: { d: 1 } },
  ],
  ['$mul multiplies and makes 0 from nothing', { a: 5 }, { $mul: { a: 3, b: 4 } }, { a: 15, b: 0 }],
  [
    '$min lowers, keeps what is lower and sets what is absent',
    { a: 5, b: 1 },
    { $min: { a: 3, b: 2, c: 7 } },
    { a: 3, b: 1, c: 7 },
  ],
  ['$max raises dates', { a: day(1), b: day(9) }, { $max: { a: day(5), b: day(5) } }, { a: day(5), b: day(9) }],
  ['$max compares types by their order: a string is above a number', { a: 5 }, { $max: { a: 'x' } }, { a: 'x' }],
  ['$rename moves a value over whatever was there', { a: 1, b: 2 }, { $rename: { a: 'b' } }, { b: 1 }],
  [
    '$rename moves into an embedded document; an absent field is no error',
    { a: 1 },
    { $rename: { a: 'x.y', q: 'r' } },
    { x: { y: 1 } },
  ],
  [
    '$setOnInsert does nothing to a document that exists',
    { a: 1 },
    { $set: { a: 2 }, $setOnInsert: { b: 1 } },
    { a: 2 },
  ],
  [
    'several operators change different paths at once',
    { a: 1, b: 1, c: [1] },
    { $set: { a: 2 }, $inc: { b: 1 }, $push: { c: 2 }, $unset: { d: '' } },
    { a: 2, b: 2, c: [1, 2] },
  ],
];

const lists: Case[] = [
  ['$push appends and makes the array', { a: [1] }, { $push: { a: 1, b: 2 } }, { a: [1, 1], b: [2] }],
  ['$push takes an array as one element', { a: [] }, { $push: { a: [1, 2] } }, { a: [[1, 2]] }],
  ['$each appends one by one', { a: [1] }, { $push: { a: { $each: [2, 3] } } }, { a: [1, 2, 3] }],
  [
    '$position inserts, counted from the end if negative',
    { a: [1, 2], b: [1, 2] },
    { $push: { a: { $each: [8, 9], $position: 0 }, b: { $each: [9], $position: -1 } } },
    { a: [8, 9, 1, 2], b: [1, 9, 2] },
  ],
  ['a negative $slice keeps the last', { a: [1, 2, 3] }, { $push: { a: { $each: [4], $slice: -2 } } }, { a: [3, 4] }],
  [
    'a positive $slice keeps the first, 0 none',
    { a: [1, 2], b: [1] },
    { $push: { a: { $each: [3], $slice: 2 }, b: { $each: [2], $slice: 0 } } },
    { a: [1, 2], b: [] },
  ],
  [
    '$sort orders by a field before $slice cuts',
    { a: [pq('x', 3), pq('y', 1)] },
    { $push: { a: { $each: [pq('z', 2)], $sort: { q: -1 }, $slice: 2 } } },
    { a: [pq('x', 3), pq('z', 2)] },
  ],
  [
    '$sort orders scalars without anything new',
    { a: [3, 1, 2] },
    { $push: { a: { $each: [], $sort: 1 } } },
    { a: [1, 2, 3] },
  ],
  [
    '$addToSet adds what is not there, comparing numbers by value',
    { a: [1, 2] },
    { $addToSet: { a: { $each: [2, new mongo.Double(1), 3, 3] } } },
    { a: [1, 2, 3] },
  ],
  [
    '$addToSet tells documents apart by field order',
    { a: [{ x: 1, y: 2 }] },
    { $addToSet: { a: { y: 2, x: 1 } } },
    {
      a: [
        { x: 1, y: 2 },
        { y: 2, x: 1 },
      ],
    },
  ],
  ['$addToSet takes an array as one element and makes the array', {}, { $addToSet: { a: [1] } }, { a: [[1]] }],
  ['$pull removes every equal element', { a: [1, 2, 1, 3] }, { $pull: { a: 1 } }, { a: [2, 3] }],
  ['$pull takes a condition', { a: [1, 5, 9] }, { $pull: { a: { $gte: 5 } } }, { a: [1] }],
  ['$pull takes a list', { a: ['x', 'y', 'z'] }, { $pull: { a: { $in: ['x', 'z'] } } }, { a: ['y'] }],
  [
    '$pull matches embedded documents by the named fields',
    { a: [pq('x', 1), pq('x', 2), pq('y', 1)] },
    { $pull: { a: { p: 'x', q: { $gt: 1 } } } },
    { a: [pq('x', 1), pq('y', 1)] },
  ],
  ['$pull from an absent array is no error', { b: 1 }, { $pull: { a: 1 } }, { b: 1 }],
  [
    '$pullAll removes every listed value, documents as a whole',
    { a: [1, 2, 1, pq('x', 1)] },
    { $pullAll: { a: [1, pq('x', 1)] } },
    { a: [2] },
  ],
  [
    '$pop removes the last or the first',
    { a: [1, 2, 3], b: [1, 2, 3], c: [] },
    { $pop: { a: 1, b: -1, c: 1 } },
    { a: [1, 2], b: [2, 3], c: [] },
  ],
];

const positions: ArrayCase[] = [
  [
    '$ is the first element that the filter matched',
    { a: [1, 5, 9, 5] },
    { a: 5 },
    { $set: { 'a.$': 0 } },
    [],
    { a: [1, 0, 9, 5] },
  ],
  [
    '$ goes on into the matched document',
    { a: [pq('x', 1), pq('y', 2)] },
    { 'a.p': 'y' },
    { $inc: { 'a.$.q': 5 } },
    [],
    { a: [pq('x', 1), pq('y', 7)] },
  ],
  [
    '$ follows $elemMatch',
    { a: [pq('x', 1), pq('x', 2)] },
    { a: { $elemMatch: { p: 'x', q: 2 } } },
    { $set: { 'a.$.p': 'z' } },
    [],
    { a: [pq('x', 1), pq('z', 2)] },
  ],
  ['$[] is every element', { a: [1, 2] }, {}, { $inc: { 'a.$[]': 10 } }, [], { a: [11, 12] }],
  [
    '$[] goes on into every document',
    { a: [pq('x', 1), pq('y', 2)] },
    {},
    { $mul: { 'a.$[].q': 2 } },
    [],
    { a: [pq('x', 2), pq('y', 4)] },
  ],
  [
    '$[e] is every element that its filter takes',
    { a: [1, 5, 9] },
    {},
    { $set: { 'a.$[e]': 0 } },
    [{ e: { $gte: 5 } }],
    { a: [1, 0, 0] },
  ],
  [
    '$[e] filters by the fields of a document',
    { a: [pq('x', 1), pq('y', 2)] },
    {},
    { $set: { 'a.$[e].q': 0 } },
    [{ 'e.p': 'y' }],
    { a: [pq('x', 1), pq('y', 0)] },
  ],
  [
    'two filters reach into arrays of arrays',
    {
      a: [
        { k: 1, b: [1, 2] },
        { k: 2, b: [1, 2] },
      ],
    },
    {},
    { $set: { 'a.$[e].b.$[f]': 0 } },
    [{ 'e.k': 2 }, { f: { $gt: 1 } }],
    {
      a: [
        { k: 1, b: [1, 2] },
        { k: 2, b: [1, 0] },
      ],
    },
  ],
];

const refusals: Refusal[] = [
  ['an unknown operator', { a: 1 }, {}, { $nope: { a: 1 } }, 9],
  ['another _id', { a: 1 }, {}, { $set: { _id: 99 } }, 66],
  ['two operators on one path', { a: 1 }, {}, { $set: { a: 2 }, $inc: { a: 1 } }, 40],
  ['a path and its parent', { a: {} }, {}, { $set: { a: { b: 1 }, 'a.b': 2 } }, 40],
  ['$set below a scalar', { a: 5 }, {}, { $set: { 'a.b': 1 } }, 28],
  ['$inc of a string', { a: 'x' }, {}, { $inc: { a: 1 } }, 14],
  ['$inc by a string', { a: 1 }, {}, { $inc: { a: 'x' } }, 14],
  ['$inc of null', { a: null }, {}, { $inc: { a: 1 } }, 14],
  ['$push to a scalar', { a: 1 }, {}, { $push: { a: 2 } }, 2],
  ['$pull from a scalar', { a: 1 }, {}, { $pull: { a: 1 } }, 2],
  ['$addToSet on a scalar', { a: 1 }, {}, { $addToSet: { a: 2 } }, 2],
  ['$ without an array in the filter', { a: [1] }, {}, { $set: { 'a.$': 2 } }, 2],
  ['$[e] without its filter', { a: [1] }, {}, { $set: { 'a.$[e]': 2 } }, 2],
];

export function updateContract(engine: Engine): void {
  describe.each([
    ['fields', fields],
    ['arrays', lists],
  ])('update: %s', (_theme, cases) => {
    it.each(cases)('%s', async (_promise, before, update, after) => {
      const rows = await engine.collectionOf(before);
      await rows.updateOne({ _id: 0 }, update);
      const [row] = await stored(rows);
      expect(row).toEqual({ _id: 0, ...after });
      expect(Object.keys(row!)).toEqual(['_id', ...Object.keys(after)]);
    });
  });

  describe('update: positions', () => {
    it.each(positions)('%s', async (_promise, before, filter, update, arrayFilters, after) => {
      const rows = await engine.rows(before);
      await rows.updateOne(filter, update, arrayFilters.length > 0 ? { arrayFilters } : {});
      expect(await rows.find({}).lean()).toEqual([{ _id: 0, ...after }]);
    });
  });

  describe('update: refusals', () => {
    it.each(refusals)('%s is refused and nothing changes', async (_promise, before, filter, update, code) => {
      const rows = await engine.collectionOf(before);
      await engine.refuses(rows.updateOne(filter, update), code);
      expect(await stored(rows)).toEqual([{ _id: 0, ...before }]);
    });

    it('an array filter that nothing uses is refused', async () => {
      const rows = await engine.collectionOf({ a: [1] });
      const work = rows.updateOne({}, { $set: { b: 2 } }, { arrayFilters: [{ e: 1 }] });
      await engine.refuses(work, 9);
    });
  });

  describe('update: time', () => {
    it('$currentDate writes the time of the server as a date', async () => {
      const rows = await engine.rows({ a: 1 });
      await rows.updateOne({ _id: 0 }, { $currentDate: { at: true, 'x.at': { $type: 'date' } } });
      const [row] = await stored(rows.collection as never);
      expect(row!.at).toBeInstanceOf(Date);
      expect(Math.abs(row!.at.getTime() - Date.now())).toBeLessThan(60_000);
      expect(row!.x.at).toBeInstanceOf(Date);
    });
  });
}
