import { mongo, Types } from 'mongoose';
import { idsOf, type Engine, type Filter } from './mongo.engine.js';

/** What is stored (numbered from 0), what is asked, which numbers must come back. */
type Case = [promise: string, documents: object[], filter: Filter, expected: number[]];

const { Double, Int32, Long } = mongo;
const at = (iso: string) => new Date(iso);
const oid = (digit: string) => new Types.ObjectId(digit.repeat(24));

const arrays: Case[] = [
  [
    'a value equals an array that holds it, one level deep',
    [{ a: 1 }, { a: [1, 2] }, { a: [[1]] }, { a: [2] }],
    { a: 1 },
    [0, 1],
  ],
  ['$ne refuses an array that holds the value', [{ a: [1, 2] }, { a: [2] }, { a: [] }], { a: { $ne: 1 } }, [1, 2]],
  [
    'a whole array equals itself, or as an element of an array',
    [{ a: [1, 2] }, { a: [2, 1] }, { a: [1, 2, 3] }, { a: [[1, 2]] }, { a: 1 }],
    { a: [1, 2] },
    [0, 3],
  ],
  [
    'an empty array equals itself, or as an element of an array',
    [{ a: [] }, { a: [[]] }, { a: [1] }, {}, { a: null }],
    { a: [] },
    [0, 1],
  ],
  [
    'each bound of a range may be met by another element',
    [{ a: [1, 10] }, { a: [4] }, { a: [10] }, { a: 4 }],
    { a: { $gt: 3, $lt: 5 } },
    [0, 1, 3],
  ],
  [
    '$elemMatch wants one element within the whole range, of an array',
    [{ a: [1, 10] }, { a: [4] }, { a: 4 }],
    { a: { $elemMatch: { $gt: 3, $lt: 5 } } },
    [1],
  ],
  [
    '$elemMatch wants one embedded document that meets everything',
    [{ a: [{ x: 1, y: 2 }] }, { a: [{ x: 1 }, { y: 2 }] }, { a: { x: 1, y: 2 } }, { a: [{ x: 1, y: 2, z: 3 }] }],
    { a: { $elemMatch: { x: 1, y: 2 } } },
    [0, 3],
  ],
  [
    'two paths into an array may be met by different elements',
    [{ a: [{ x: 1 }, { y: 2 }] }, { a: [{ x: 1 }] }],
    { 'a.x': 1, 'a.y': 2 },
    [0],
  ],
  ['$all wants every value, in any order', [{ a: [3, 2, 1] }, { a: [1] }, { a: 1 }], { a: { $all: [1, 2] } }, [0]],
  [
    '$all with one value takes the scalar too; with none, nothing',
    [{ a: 1 }, { a: [1] }, { a: [] }],
    { $or: [{ a: { $all: [1] } }, { a: { $all: [] } }] },
    [0, 1],
  ],
  [
    '$size is exact and for arrays only',
    [{ a: [] }, { a: [1, 2] }, { a: 2 }, {}, { a: [[1, 2]] }],
    { a: { $size: 2 } },
    [1],
  ],
  ['$size 0 does not take a missing field', [{ a: [] }, {}, { a: null }], { a: { $size: 0 } }, [0]],
  [
    'a path goes through arrays of documents',
    [{ a: [{ b: [{ c: 1 }] }] }, { a: { b: { c: 1 } } }, { a: [{ b: { c: 2 } }] }],
    { 'a.b.c': 1 },
    [0, 1],
  ],
  [
    'a path does not go through an array directly inside an array',
    [{ a: [[{ b: 1 }]] }, { a: [{ b: 1 }] }],
    { 'a.b': 1 },
    [1],
  ],
  [
    'a number in a path is an index or a field name',
    [{ a: [5, 6] }, { a: { 1: 6 } }, { a: [6, 5] }, { a: [{ 1: 6 }] }],
    { 'a.1': 6 },
    [0, 1, 3],
  ],
  [
    'an index in a path may be followed by a field',
    [{ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 2 }, { b: 1 }] }],
    { 'a.0.b': 1 },
    [0],
  ],
];

const elements: Case[] = [
  ['$exists true takes null', [{ a: null }, {}, { a: [] }], { a: { $exists: true } }, [0, 2]],
  ['$exists false takes only what is absent', [{ a: null }, {}, { b: 1 }], { a: { $exists: false } }, [1, 2]],
  [
    '$exists through a path looks into every element',
    [{ a: [{}, { b: 1 }] }, { a: [{}] }, { a: [] }, {}, { a: [1] }],
    { 'a.b': { $exists: false } },
    [1, 2, 3, 4],
  ],
  [
    '$type takes names and looks at elements',
    [{ a: 'x' }, { a: 1 }, { a: ['x'] }, { a: null }, {}],
    { a: { $type: 'string' } },
    [0, 2],
  ],
  [
    '$type number takes every numeric type',
    [{ a: new Int32(1) }, { a: Long.fromNumber(1) }, { a: 1.5 }, { a: '1' }],
    { a: { $type: 'number' } },
    [0, 1, 2],
  ],
  [
    '$type tells Int, Long and Double apart',
    [{ a: new Int32(1) }, { a: Long.fromNumber(1) }, { a: new Double(1) }],
    { a: { $type: ['int', 'double'] } },
    [0, 2],
  ],
  ['$type array takes the array itself', [{ a: [] }, { a: [1] }, { a: 1 }], { a: { $type: 'array' } }, [0, 1]],
  ['$type null does not take a missing field', [{ a: null }, {}, { a: 0 }], { a: { $type: 'null' } }, [0]],
  [
    '$type takes a list and the numbers of types',
    [{ a: at('2026-01-01T00:00:00Z') }, { a: oid('a') }, { a: true }, { a: {} }],
    { a: { $type: ['date', 7] } },
    [0, 1],
  ],
];

const evaluation: Case[] = [
  [
    'an anchored expression is a prefix',
    [{ a: 'abc' }, { a: 'xabc' }, { a: 'ab' }, { a: 'Abc' }],
    { a: { $regex: '^ab' } },
    [0, 2],
  ],
  ['option i ignores case', [{ a: 'ABC' }, { a: 'abd' }, { a: 'x' }], { a: { $regex: '^ab', $options: 'i' } }, [0, 1]],
  ['an escaped prefix is literal', [{ a: 'a.c' }, { a: 'abc' }], { a: { $regex: '^a\\.c' } }, [0]],
  [
    'an expression looks at elements and skips other types',
    [{ a: ['q', 'abc'] }, { a: 5 }, { a: null }, { a: { b: 'abc' } }],
    { a: /b/ },
    [0],
  ],
  ['a dot takes one astral character', [{ a: '\u{1F600}' }, { a: 'ab' }], { a: { $regex: '^.$' } }, [0]],
  [
    'a prefix may end in an astral character',
    [{ a: '\u{1F600}x' }, { a: '\u{1F601}x' }],
    { a: { $regex: '^\u{1F600}' } },
    [0],
  ],
  [
    '$regex joins other operators on the field',
    [{ a: 'abc' }, { a: 'abd' }],
    { a: { $regex: '^ab', $ne: 'abd' } },
    [0],
  ],
  [
    '$mod takes remainders, cuts fractions, skips other types',
    [{ a: 4 }, { a: 8 }, { a: 5 }, { a: 4.5 }, { a: '4' }, {}],
    { a: { $mod: [4, 0] } },
    [0, 1, 3],
  ],
  [
    '$expr compares two fields of a document',
    [
      { a: 5, b: 3 },
      { a: 3, b: 5 },
      { a: 3, b: 3 },
    ],
    { $expr: { $gt: ['$a', '$b'] } },
    [0],
  ],
  [
    '$expr compares across types: a missing field is below every number',
    [{ a: 5 }, { b: 5 }, { a: 5, b: 9 }],
    { $expr: { $lt: ['$a', '$b'] } },
    [1, 2],
  ],
];

export function operatorContract(engine: Engine): void {
  describe.each([
    ['arrays', arrays],
    ['elements and types', elements],
    ['expressions', evaluation],
  ])('find: %s', (_theme, cases) => {
    it.each(cases)('%s', async (_promise, documents, filter, expected) => {
      expect(await idsOf(await engine.rows(...documents), filter)).toEqual(expected);
    });
  });
}
