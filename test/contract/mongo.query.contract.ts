import { mongo, Types } from 'mongoose';
import { idsOf, type Engine, type Filter } from './mongo.engine.js';

/** What is stored (numbered from 0), what is asked, which numbers must come back. */
type Case = [promise: string, documents: object[], filter: Filter, expected: number[]];

const { Double, Int32, Long } = mongo;
const at = (iso: string) => new Date(iso);
const oid = (digit: string) => new Types.ObjectId(digit.repeat(24));

const equality: Case[] = [
  ['$eq and the short form agree', [{ a: 1 }, { a: 2 }], { a: { $eq: 2 } }, [1]],
  [
    'a number equals itself in every numeric type',
    [{ a: new Int32(1) }, { a: Long.fromNumber(1) }, { a: new Double(1) }, { a: '1' }],
    { a: 1 },
    [0, 1, 2],
  ],
  ['$ne matches documents without the field', [{ a: 1 }, { a: 2 }, {}], { a: { $ne: 1 } }, [1, 2]],
  [
    '$in takes any of the values, each document once',
    [{ a: 1 }, { a: 2 }, { a: 3 }, { a: [1, 3] }],
    { a: { $in: [3, 1, 1] } },
    [0, 2, 3],
  ],
  ['$in with an empty list matches nothing', [{ a: 1 }, {}], { a: { $in: [] } }, []],
  ['$in takes regular expressions', [{ a: 'abc' }, { a: 'xbc' }, { a: 'q' }], { a: { $in: [/^a/, 'q'] } }, [0, 2]],
  [
    '$nin matches the rest and documents without the field',
    [{ a: 1 }, { a: 2 }, {}, { a: [1, 9] }],
    { a: { $nin: [1] } },
    [1, 2],
  ],
  [
    'null matches null and missing, also inside an array',
    [{ a: null }, {}, { a: 1 }, { a: [] }, { a: [null] }, { a: [1, null] }],
    { a: null },
    [0, 1, 4, 5],
  ],
  [
    '$ne null matches what has a value',
    [{ a: null }, {}, { a: 1 }, { a: [] }, { a: [null] }],
    { a: { $ne: null } },
    [2, 3],
  ],
  ['$in with null matches missing', [{ a: null }, {}, { a: 5 }, { a: 6 }], { a: { $in: [null, 5] } }, [0, 1, 2]],
  ['$gte null means null or missing', [{ a: null }, {}, { a: 1 }, { a: 'x' }], { a: { $gte: null } }, [0, 1]],
  ['$gt null matches nothing', [{ a: null }, {}, { a: 1 }], { a: { $gt: null } }, []],
  [
    'null through a path takes missing parts, but no array of scalars and no empty array',
    [
      { a: { b: null } },
      { a: {} },
      { a: 1 },
      {},
      { a: [] },
      { a: [{ b: 1 }] },
      { a: [{ b: 1 }, {}] },
      { a: [1] },
      { a: null },
    ],
    { 'a.b': null },
    [0, 1, 2, 3, 6, 8],
  ],
  [
    'an embedded document is equal only as a whole and in field order',
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, { a: { x: 1, y: 2, z: 3 } }, { a: { x: 1 } }],
    { a: { x: 1, y: 2 } },
    [0],
  ],
  [
    'an empty document equals only an empty document',
    [{ a: {} }, { a: { b: 1 } }, {}, { a: null }, { a: [] }],
    { a: {} },
    [0],
  ],
  ['booleans are no numbers', [{ a: true }, { a: 1 }, { a: 'true' }, { a: false }, { a: 0 }], { a: true }, [0]],
  [
    'strings are compared without normalisation or case folding',
    [{ a: 'é' }, { a: 'e\u0301' }, { a: 'É' }],
    { a: 'é' },
    [0],
  ],
  ['a string with NUL inside equals only itself', [{ a: 'x\0y' }, { a: 'x' }, { a: 'x\0z' }], { a: 'x\0y' }, [0]],
  [
    'dates are equal to the millisecond',
    [{ a: at('2026-01-01T00:00:00.001Z') }, { a: at('2026-01-01T00:00:00.002Z') }],
    { a: at('2026-01-01T00:00:00.002Z') },
    [1],
  ],
  [
    'an ObjectId does not equal its hex string',
    [{ a: oid('a') }, { a: 'a'.repeat(24) }, { a: oid('b') }],
    { a: oid('a') },
    [0],
  ],
  [
    'NaN equals NaN and is not below anything',
    [{ a: NaN }, { a: 0 }, { a: -1 }],
    { $or: [{ a: NaN }, { a: { $lt: 0 } }] },
    [0, 2],
  ],
];

const ranges: Case[] = [
  ['$gt excludes and $gte includes the bound', [{ a: 1 }, { a: 2 }, { a: 3 }], { a: { $gt: 1, $gte: 2 } }, [1, 2]],
  ['$lt excludes and $lte includes the bound', [{ a: 1 }, { a: 2 }, { a: 3 }], { a: { $lt: 3, $lte: 2 } }, [0, 1]],
  [
    'a range compares Int, Long and Double by value',
    [{ a: Long.fromNumber(2) }, { a: 2.5 }, { a: new Int32(3) }],
    { a: { $gt: 2, $lt: 3 } },
    [1],
  ],
  [
    'a Long beyond 2^53 is compared exactly',
    [{ a: Long.fromString('9007199254740993') }, { a: Long.fromString('9007199254740992') }],
    { a: { $gt: Long.fromString('9007199254740992') } },
    [0],
  ],
  [
    'a range of numbers leaves every other type out',
    [{ a: 7 }, { a: '7' }, { a: at('2026-01-01T00:00:00Z') }, { a: null }, {}, { a: true }, { a: { b: 7 } }],
    { a: { $gt: 5 } },
    [0],
  ],
  [
    'a range of strings leaves every other type out',
    [{ a: 'b' }, { a: 1 }, { a: null }, {}, { a: 'z' }],
    { a: { $lt: 'm' } },
    [0],
  ],
  [
    'strings are ordered by code point, not by UTF-16 unit',
    [{ a: '\u{1F600}' }, { a: '\uFB00' }, { a: 'z' }],
    { a: { $gt: '\uFB00' } },
    [0],
  ],
  [
    'a prefix range takes every continuation',
    [{ a: 'ab' }, { a: 'abc' }, { a: 'ab\u{1F600}' }, { a: 'ac' }, { a: 'aa' }],
    { a: { $gte: 'ab', $lt: 'ac' } },
    [0, 1, 2],
  ],
  [
    'dates before 1970 are in order',
    [{ a: at('1969-12-31T23:59:59.999Z') }, { a: at('1901-01-01T00:00:00Z') }, { a: at('1970-01-01T00:00:00Z') }],
    { a: { $lt: at('1970-01-01T00:00:00Z') } },
    [0, 1],
  ],
  [
    'ObjectIds have a range',
    [{ a: oid('1') }, { a: oid('a') }, { a: oid('f') }, { a: 'b'.repeat(24) }],
    { a: { $gt: oid('1'), $lt: oid('f') } },
    [1],
  ],
  ['false is below true', [{ a: true }, { a: false }, { a: 1 }], { a: { $gt: false } }, [0]],
];

const logic: Case[] = [
  ['several fields are a conjunction', [{ a: 1, b: 1 }, { a: 1 }, { b: 1 }], { a: 1, b: 1 }, [0]],
  ['$and repeats a field', [{ a: [1, 2] }, { a: [1] }], { $and: [{ a: 1 }, { a: 2 }] }, [0]],
  ['$or takes each document once', [{ a: 1, b: 2 }, { a: 1 }, { b: 2 }, {}], { $or: [{ a: 1 }, { b: 2 }] }, [0, 1, 2]],
  ['$nor takes what meets none', [{ a: 1 }, { b: 2 }, { a: 2 }, {}], { $nor: [{ a: 1 }, { b: 2 }] }, [2, 3]],
  [
    '$or inside $and beside a field',
    [{ o: 1, a: 1 }, { o: 1, b: 1 }, { o: 2, a: 1 }, { o: 1 }],
    { o: 1, $and: [{ $or: [{ a: 1 }, { b: 1 }] }] },
    [0, 1],
  ],
  [
    '$not takes other types and missing fields',
    [{ a: 1 }, { a: 9 }, { a: 'x' }, {}],
    { a: { $not: { $gt: 5 } } },
    [0, 2, 3],
  ],
  [
    '$not takes a regular expression',
    [{ a: 'abc' }, { a: 'xyz' }, {}, { a: ['abc', 'xyz'] }],
    { a: { $not: /^a/ } },
    [1, 2],
  ],
];

const refusals: [promise: string, filter: Filter, code: number][] = [
  ['an unknown operator of a field', { a: { $nope: 1 } }, 2],
  ['an unknown operator at the top', { $nope: [] }, 2],
  ['an $in without a list', { a: { $in: 5 } }, 2],
  ['an empty $or', { $or: [] }, 2],
  ['a negative $size', { a: { $size: -1 } }, 2],
];

export function queryContract(engine: Engine): void {
  describe.each([
    ['equality', equality],
    ['ranges', ranges],
    ['logic', logic],
  ])('find: %s', (_theme, cases) => {
    it.each(cases)('%s', async (_promise, documents, filter, expected) => {
      expect(await idsOf(await engine.rows(...documents), filter)).toEqual(expected);
    });
  });

  describe('find: refusals', () => {
    it.each(refusals)('%s is refused', async (_promise, filter, code) => {
      const rows = await engine.collectionOf({ a: 1 });
      await engine.refuses(rows.find(filter).toArray(), code);
    });
  });
}
