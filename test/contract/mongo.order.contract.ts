import { mongo, Types } from 'mongoose';
import { type Engine, type Filter } from './mongo.engine.js';

type SortCase = [promise: string, values: unknown[], sort: Record<string, 1 | -1>, expected: number[]];

const { Binary, Double, Int32, Long } = mongo;
const oid = (digit: string) => new Types.ObjectId(digit.repeat(24));

/** Lowest first, as the BSON comparison order has it: each pair here is strictly ascending. */
const ascending: [name: string, value: unknown][] = [
  ['null', null],
  ['NaN', NaN],
  ['-Infinity', -Infinity],
  ['a negative number', -1],
  ['a Double', 2.5],
  ['a Long', Long.fromNumber(3)],
  ['an upper-case string', 'B'],
  ['a lower-case string', 'a'],
  ['an empty document', {}],
  ['a document', { a: 1 }],
  ['a longer document', { a: 1, b: 1 }],
  ['a document with a later field name', { b: 0 }],
  ['a document whose first value is a string', { a: 'x' }],
  ['an array in an array', [[1]]],
  ['short bytes', new Binary(Buffer.from([255]))],
  ['longer bytes', new Binary(Buffer.from([0, 0]))],
  ['an ObjectId', oid('1')],
  ['a higher ObjectId', oid('2')],
  ['false', false],
  ['true', true],
  ['a date before 1970', new Date(-1)],
  ['a date', new Date(0)],
];

const sorts: SortCase[] = [
  ['a missing field sorts as null', [null, undefined, 1, undefined], { v: 1, _id: 1 }, [0, 1, 3, 2]],
  [
    'numbers sort by value, whatever their type',
    [new Double(2.5), Long.fromNumber(2), new Int32(3), -0.5],
    { v: 1 },
    [3, 1, 0, 2],
  ],
  [
    'Longs beyond 2^53 sort exactly',
    ['9007199254740993', '9007199254740992', '9007199254740994'].map((n) => Long.fromString(n)),
    { v: 1 },
    [1, 0, 2],
  ],
  ['strings sort by code point', ['b', 'a', 'B', 'é', '\u{1F600}', '\uFB00', ''], { v: 1 }, [6, 2, 1, 0, 3, 5, 4]],
  ['a prefix sorts before its continuation, NUL included', ['ab', 'a', 'a\0', 'aa'], { v: 1 }, [1, 2, 3, 0]],
  ['dates sort by time', [new Date(5), new Date(-5), new Date(0)], { v: -1 }, [0, 2, 1]],
  ['an array sorts by its lowest element upwards', [[5, 9], [1, 10], 3], { v: 1 }, [1, 2, 0]],
  ['an array sorts by its highest element downwards', [[5, 9], [1, 10], 9.5], { v: -1 }, [1, 2, 0]],
  [
    'a path through an array sorts by the lowest of its values',
    [[{ p: 7 }, { p: 2 }], [{ p: 5 }], { p: 3 }],
    { 'v.p': 1 },
    [0, 2, 1],
  ],
];

type ProjectionCase = [
  promise: string,
  document: object,
  filter: Filter,
  projection: Record<string, unknown>,
  expected: object,
];

const list = [
  { n: 'a', q: 1 },
  { n: 'b', q: 2 },
  { n: 'c', q: 3 },
];

const projections: ProjectionCase[] = [
  [
    'inclusion keeps _id and the named fields, in stored order',
    { b: 2, a: 1, c: 3 },
    {},
    { a: 1, b: 1 },
    { _id: 0, b: 2, a: 1 },
  ],
  ['inclusion without _id', { a: 1, b: 2 }, {}, { a: 1, _id: 0 }, { a: 1 }],
  ['inclusion of an absent field answers only _id', { a: 1 }, {}, { z: 1 }, { _id: 0 }],
  ['exclusion keeps everything else', { a: 1, b: 2, c: 3 }, {}, { b: 0 }, { _id: 0, a: 1, c: 3 }],
  ['exclusion of _id alone keeps all fields', { a: 1, b: 2 }, {}, { _id: 0 }, { a: 1, b: 2 }],
  [
    'a nested inclusion keeps the parents',
    { a: { b: { c: 1, d: 2 }, e: 3 }, f: 4 },
    {},
    { 'a.b.c': 1 },
    { _id: 0, a: { b: { c: 1 } } },
  ],
  [
    'a nested exclusion removes only the leaf',
    { a: { b: { c: 1, d: 2 }, e: 3 } },
    {},
    { 'a.b.c': 0 },
    { _id: 0, a: { b: { d: 2 }, e: 3 } },
  ],
  ['a nested object means the same as a path', { a: { b: 1, c: 2 } }, {}, { a: { b: 1 } }, { _id: 0, a: { b: 1 } }],
  [
    'an inclusion through an array drops scalars',
    { a: [{ b: 1, c: 2 }, 5, { c: 3 }] },
    {},
    { 'a.b': 1 },
    { _id: 0, a: [{ b: 1 }, {}] },
  ],
  [
    'an exclusion through an array keeps scalars',
    { a: [{ b: 1, c: 2 }, 5, { c: 3 }] },
    {},
    { 'a.b': 0 },
    { _id: 0, a: [{ c: 2 }, 5, { c: 3 }] },
  ],
  [
    'an inclusion below a scalar drops it, below a document keeps it empty',
    { a: 5, d: { x: 1 } },
    {},
    { 'a.b': 1, 'd.b': 1 },
    { _id: 0, d: {} },
  ],
  [
    '$slice takes the first elements and keeps other fields',
    { l: [1, 2, 3], o: 1 },
    {},
    { l: { $slice: 2 } },
    { _id: 0, l: [1, 2], o: 1 },
  ],
  ['$slice takes the last elements', { l: [1, 2, 3] }, {}, { l: { $slice: -2 } }, { _id: 0, l: [2, 3] }],
  ['$slice skips, then takes', { l: [1, 2, 3, 4] }, {}, { l: { $slice: [1, 2] } }, { _id: 0, l: [2, 3] }],
  [
    '$elemMatch takes the first match only',
    { l: list },
    {},
    { l: { $elemMatch: { q: { $gte: 2 } } } },
    { _id: 0, l: [{ n: 'b', q: 2 }] },
  ],
  ['$elemMatch without a match leaves the field out', { l: list }, {}, { l: { $elemMatch: { q: 9 } } }, { _id: 0 }],
  [
    'the positional $ takes the element that the filter matched',
    { l: list, o: 1 },
    { 'l.n': 'c' },
    { 'l.$': 1 },
    { _id: 0, l: [{ n: 'c', q: 3 }] },
  ],
];

const projectionRefusals: [promise: string, projection: Record<string, unknown>, code: number][] = [
  ['inclusion that also excludes', { a: 1, b: 0 }, 31254],
  ['exclusion that also includes', { b: 0, a: 1 }, 31253],
  ['a path together with its parent', { a: 1, 'a.b': 1 }, 31249],
];

const sorted = async (engine: Engine, values: unknown[], sort: Record<string, 1 | -1>) => {
  const rows = await engine.rows(...values.map((v) => (v === undefined ? {} : { v })));
  return (await rows.find({}).sort(sort).lean()).map((row) => row._id);
};

export function orderContract(engine: Engine): void {
  describe('sort', () => {
    // Written in an order that no engine would answer by accident: odd places first, backwards.
    const shuffled = [...ascending.keys()].sort((a, b) => (b % 2) - (a % 2) || b - a);
    const order = [...ascending.keys()].map((place) => shuffled.indexOf(place));
    const values = shuffled.map((place) => ascending[place]![1]);

    it('orders values of all types upwards', async () => {
      const names = (await sorted(engine, values, { v: 1 })).map((id) => ascending[shuffled[Number(id)]!]![0]);
      expect(names).toEqual(ascending.map(([name]) => name));
    });

    it('orders values of all types downwards', async () => {
      expect(await sorted(engine, values, { v: -1 })).toEqual(order.toReversed());
    });

    it.each(sorts)('%s', async (_promise, given, sort, expected) => {
      expect(await sorted(engine, given, sort)).toEqual(expected);
    });

    it('several keys decide in their order, each in its direction', async () => {
      const rows = await engine.rows({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 3 });
      expect((await rows.find({}).sort({ a: -1, b: 1 }).lean()).map((row) => row._id)).toEqual([1, 3, 0, 2]);
    });

    it('skip and limit cut the sorted rows, not the stored ones', async () => {
      const rows = await engine.rows(...[5, 3, 1, 4, 2].map((v) => ({ v })));
      const page = async (skip: number, limit: number) =>
        (await rows.find({}).sort({ v: 1 }).skip(skip).limit(limit).lean()).map((row) => row.v);
      expect([await page(1, 2), await page(4, 9), await page(9, 9), await page(3, 0)]).toEqual([
        [2, 3],
        [5],
        [],
        [4, 5],
      ]);
    });

    it('a field may decide the order without being answered', async () => {
      const rows = await engine.rows({ v: 2, w: 'b' }, { v: 1, w: 'a' });
      expect(await rows.find({}, { w: 1, _id: 0 }).sort({ v: 1 }).lean()).toEqual([{ w: 'a' }, { w: 'b' }]);
    });
  });

  describe('projection', () => {
    it.each(projections)('%s', async (_promise, document, filter, projection, expected) => {
      const rows = await engine.collectionOf(document);
      const answer = await rows.findOne(filter, { projection });
      expect(JSON.stringify(answer)).toBe(JSON.stringify(expected));
    });

    it.each(projectionRefusals)('%s is refused', async (_promise, projection, code) => {
      const rows = await engine.collectionOf({ a: 1, b: 1 });
      await engine.refuses(rows.findOne({}, { projection }), code);
    });
  });
}
