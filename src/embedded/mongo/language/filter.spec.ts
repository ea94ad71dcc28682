import { BSONRegExp, Decimal128, Double, Long, MaxKey, MinKey, ObjectId } from 'bson';
import { type Doc, MongoFault, compileFilter } from './index.js';

const oid = new ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f');
const own = (json: string): Doc => JSON.parse(json) as Doc;
const matching = (values: Doc[], filter: Doc): Doc[] => values.filter(compileFilter(filter));

/** Every table row: a filter, what it matches, what it does not. */
type Row = [filter: Doc, yes: Doc[], no: Doc[]];

const check = (rows: Row[]): void => {
  it.each(rows)('%j', (filter, yes, no) => {
    expect(matching(yes, filter)).toEqual(yes);
    expect(matching(no, filter)).toEqual([]);
  });
};

describe('equality', () => {
  check([
    [{}, [{}, { a: 1 }], []],
    [
      { a: 1 },
      [{ a: 1 }, { a: Long.ONE }, { a: new Double(1) }, { a: Decimal128.fromString('1.0') }, { a: [3, 1] }],
      [{}, { a: '1' }, { a: true }, { a: [[1]] }],
    ],
    [
      { a: Long.fromString('9007199254740993') },
      [{ a: Long.fromString('9007199254740993') }],
      [{ a: 9007199254740992 }],
    ],
    [{ a: null }, [{}, { a: null }, { a: [1, null] }], [{ a: 0 }, { a: [] }, { a: '' }]],
    [{ 'a.b': null }, [{}, { a: 1 }, { a: {} }, { a: [{ b: 1 }, {}] }], [{ a: [] }, { a: [1] }, { a: { b: 1 } }]],
    [{ a: [1, 2] }, [{ a: [1, 2] }, { a: [[1, 2], 3] }], [{ a: [2, 1] }, { a: [1, 2, 3] }, { a: 1 }]],
    [{ a: { x: 1, y: 2 } }, [{ a: { x: 1, y: 2 } }, { a: [{ x: 1, y: 2 }] }], [{ a: { y: 2, x: 1 } }, { a: { x: 1 } }]],
    [{ a: {} }, [{ a: {} }], [{ a: { x: 1 } }, {}]],
    [{ a: oid }, [{ a: new ObjectId(oid.toHexString()) }], [{ a: oid.toHexString() }]],
    [{ a: new Date(5) }, [{ a: new Date(5) }], [{ a: 5 }, { a: new Date(6) }]],
    [{ a: NaN }, [{ a: NaN }, { a: Decimal128.fromString('NaN') }], [{ a: 0 }]],
    [
      { 'a.b': 1 },
      [{ a: { b: 1 } }, { a: [{ b: 2 }, { b: 1 }] }, { a: { b: [1] } }],
      [{ a: [[{ b: 1 }]] }, { 'a.b': 1 }],
    ],
    [{ 'a.0': 1 }, [{ a: [1, 2] }, { a: { 0: 1 } }, { a: [{ 0: 1 }] }], [{ a: [2, 1] }, { a: [[1]] }]],
    [{ 'a.1.b': 1 }, [{ a: [0, { b: 1 }] }], [{ a: [{ b: 1 }] }]],
    [{ constructor: null, __proto__x: null }, [{}], [{ constructor: 1 }]],
    [own('{"__proto__": 1}'), [own('{"__proto__": 1}')], [{}]],
    [{ a: { $ne: 1 } }, [{}, { a: 2 }, { a: [2] }], [{ a: 1 }, { a: [1, 2] }]],
    [{ a: { $eq: new BSONRegExp('x') } }, [{ a: new BSONRegExp('x') }], [{ a: 'x' }]],
  ]);
});

describe('ranges', () => {
  check([
    [
      { a: { $gt: 1 } },
      [{ a: 2 }, { a: 1.5 }, { a: Long.fromNumber(2) }, { a: Decimal128.fromString('1.1') }, { a: [0, 5] }],
      [{ a: 1 }, { a: 'x' }, {}, { a: null }, { a: NaN }, { a: new Date(5) }],
    ],
    [{ a: { $lt: 1 } }, [{ a: 0 }, { a: -Infinity }], [{ a: NaN }, {}, { a: null }, { a: false }]],
    [{ a: { $gte: null } }, [{}, { a: null }], [{ a: 1 }]],
    [{ a: { $lte: null } }, [{}, { a: null }], [{ a: 1 }]],
    [{ a: { $gt: null } }, [], [{}, { a: null }, { a: 1 }]],
    [{ a: { $gte: NaN } }, [{ a: NaN }], [{ a: 1 }]],
    [{ a: { $gt: NaN } }, [], [{ a: NaN }, { a: 1 }]],
    [{ a: { $gt: '\uFFFD' } }, [{ a: '\u{1F600}' }], [{ a: 'a' }]],
    [
      { a: { $gte: new Date(5), $lt: new Date(7) } },
      [{ a: new Date(5) }, { a: new Date(6) }],
      [{ a: new Date(7) }, { a: 6 }],
    ],
    [{ a: { $gt: 5, $lt: 3 } }, [{ a: [1, 9] }], [{ a: 4 }, { a: [4] }]],
    [{ a: { $gt: [1] } }, [{ a: [1, 0] }, { a: [[2]] }], [{ a: 5 }, { a: [1] }]],
    [{ a: { $lt: { b: 2 } } }, [{ a: { b: 1 } }, { a: {} }], [{ a: { b: 2 } }, { a: 0 }]],
    [{ a: { $gte: oid } }, [{ a: oid }], [{ a: new ObjectId('000000000000000000000000') }]],
    [{ a: { $gt: false } }, [{ a: true }], [{ a: 1 }, { a: false }]],
    [{ a: { $gt: new MinKey() } }, [{ a: 1 }, {}, { a: 'x' }], [{ a: new MinKey() }]],
    [{ a: { $lt: new MaxKey() } }, [{ a: 1 }, { a: 'x' }], [{ a: new MaxKey() }]],
  ]);
});

describe('sets and arrays', () => {
  check([
    [{ a: { $in: [1, 'x', null] } }, [{ a: Long.ONE }, { a: 'x' }, {}, { a: [7, 'x'] }], [{ a: 2 }, { a: 'y' }]],
    [{ a: { $in: ['x', 'y'] } }, [{ a: 'x' }, { a: ['q', 'y'] }], [{ a: 'q' }, {}]],
    [{ a: { $in: [/^x/, 2] } }, [{ a: 'xy' }, { a: 2 }], [{ a: 'yx' }]],
    [{ a: { $in: [[1, 2], { b: 1 }] } }, [{ a: [1, 2] }, { a: { b: 1 } }], [{ a: 1 }, { a: { b: 1, c: 1 } }]],
    [{ a: { $in: [oid, new Date(1)] } }, [{ a: oid }, { a: new Date(1) }], [{ a: 1 }]],
    [{ a: { $in: [] } }, [], [{}, { a: 1 }]],
    [{ a: { $nin: [1, null] } }, [{ a: 2 }], [{}, { a: 1 }, { a: [1, 2] }]],
    [{ a: { $all: [1, 2] } }, [{ a: [2, 1, 3] }], [{ a: [1] }, { a: 1 }]],
    [{ a: { $all: [1] } }, [{ a: 1 }, { a: [1] }], [{}]],
    [{ a: { $all: [[1, 2]] } }, [{ a: [1, 2] }, { a: [[1, 2]] }], [{ a: [1] }]],
    [{ a: { $all: [] } }, [], [{ a: [] }, {}]],
    [
      { a: { $all: [{ $elemMatch: { x: 1 } }, { $elemMatch: { x: 2 } }] } },
      [{ a: [{ x: 1 }, { x: 2 }] }],
      [{ a: [{ x: 1 }] }],
    ],
    [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, [{ a: [0, 2] }], [{ a: [0, 5] }, { a: 2 }]],
    [
      { a: { $elemMatch: { x: 1, y: 2 } } },
      [{ a: [{ x: 1, y: 2 }] }],
      [{ a: [{ x: 1 }, { y: 2 }] }, { a: { x: 1, y: 2 } }],
    ],
    [{ a: { $elemMatch: { $or: [{ x: 1 }, { y: 1 }] } } }, [{ a: [{ y: 1 }] }], [{ a: [{ y: 2 }] }]],
    [{ a: { $elemMatch: { $elemMatch: { $gt: 1 } } } }, [{ a: [[2]] }], [{ a: [2] }]],
    [{ 'a.b': { $elemMatch: { $gt: 1 } } }, [{ a: [{ b: [2] }] }], [{ a: [{ b: 2 }] }]],
    [{ a: { $not: { $elemMatch: { x: 1 } } } }, [{}, { a: [{ x: 2 }] }], [{ a: [{ x: 1 }] }]],
    [{ a: { $size: 2 } }, [{ a: [1, 2] }], [{ a: [1] }, { a: 2 }, { a: [[1, 2]] }]],
  ]);
});

describe('other operators', () => {
  check([
    [{ a: { $exists: true } }, [{ a: null }, { a: [] }], [{}]],
    [{ 'a.b': { $exists: false } }, [{}, { a: [] }, { a: 1 }], [{ a: { b: null } }]],
    [{ a: { $type: 'number' } }, [{ a: 1 }, { a: 1.5 }, { a: Long.ONE }, { a: [1] }], [{ a: '1' }, {}]],
    [{ a: { $type: ['int', 2] } }, [{ a: 1 }, { a: 'x' }], [{ a: 1.5 }, { a: new Double(1) }]],
    [{ a: { $type: 'array' } }, [{ a: [] }, { a: [[1]] }], [{ a: 1 }]],
    [{ a: { $type: 'double' } }, [{ a: new Double(1) }, { a: 2 ** 40 }], [{ a: 1 }]],
    [{ a: { $type: 'null' } }, [{ a: null }], [{}]],
    [
      { a: { $mod: [2, 1] } },
      [{ a: 1 }, { a: 3.7 }, { a: Long.fromString('9007199254740993') }],
      [{ a: 2 }, { a: 'x' }, { a: -1 }],
    ],
    [{ a: { $regex: '^ab', $options: 'i' } }, [{ a: 'ABc' }, { a: ['x', 'ab'] }], [{ a: 'cab' }, { a: 1 }]],
    [{ a: { $regex: 'a b # c', $options: 'x' } }, [{ a: 'ab' }], [{ a: 'a b' }]],
    [{ a: { $regex: 'a.b', $options: 's' } }, [{ a: 'a\nb' }], [{ a: 'ab' }]],
    [{ a: { $regex: '(?i)X' } }, [{ a: 'x' }], [{ a: 'y' }]],
    [{ a: new BSONRegExp('^b', 'm') }, [{ a: 'a\nb' }], [{ a: 'ab' }]],
    [{ a: /^.$/ }, [{ a: '\u{1F600}' }], [{ a: 'ab' }]],
    [{ a: { $not: /x/ } }, [{}, { a: 'y' }], [{ a: 'x' }]],
    [{ a: { $not: { $gt: 1 } } }, [{}, { a: 1 }, { a: 'x' }], [{ a: 2 }]],
    [{ $and: [{ a: 1 }, { b: 2 }] }, [{ a: 1, b: 2 }], [{ a: 1 }]],
    [{ $or: [{ a: 1 }, { b: 2 }] }, [{ a: 1 }, { b: 2 }], [{}]],
    [{ $nor: [{ a: 1 }, { b: 2 }] }, [{}], [{ a: 1 }, { b: 2 }]],
    [{ $expr: { $gt: ['$a', '$b'] } }, [{ a: 2, b: 1 }], [{ a: 1, b: 1 }]],
    [{ $comment: 'x', a: { $gt: 1, $comment: 'y' } }, [{ a: 2 }], [{ a: 1 }]],
  ]);
});

describe('faults', () => {
  it.each<[Doc, number, string]>([
    [{ a: { $foo: 1 } }, 2, 'unknown operator: $foo'],
    [{ a: { $gt: 1, b: 1 } }, 2, 'unknown operator: b'],
    [{ $foo: 1 }, 2, 'unknown top level operator: $foo'],
    [{ a: { $bitsAllSet: 1 } }, 2, 'unknown operator: $bitsAllSet'],
    [{ a: { $geoWithin: {} } }, 2, 'unknown operator: $geoWithin'],
    [{ $jsonSchema: {} }, 2, 'unknown top level operator: $jsonSchema'],
    [{ $where: '1' }, 2, '$where'],
    [{ $or: [{ $text: {} }] }, 2, '$text can only be applied to the top level'],
    [{ a: { $in: 1 } }, 2, '$in needs an array'],
    [{ a: { $nin: 1 } }, 2, '$nin needs an array'],
    [{ a: { $in: [{ $gt: 1 }] } }, 2, 'cannot nest $ under $in'],
    [{ $or: [] }, 2, '$and/$or/$nor must be a nonempty array'],
    [{ $and: [1] }, 2, '$or/$and/$nor entries need to be full objects'],
    [{ a: { $not: 1 } }, 2, '$not needs a regex or a document'],
    [{ a: { $not: {} } }, 2, '$not cannot be empty'],
    [{ a: { $options: 'i' } }, 2, '$options needs a $regex'],
    [{ a: { $regex: '(' } }, 51091, 'Regular expression is invalid'],
    [{ a: { $regex: 'a', $options: 'q' } }, 51108, 'invalid flag in regex options: q'],
    [{ a: { $elemMatch: 1 } }, 2, '$elemMatch needs an Object'],
    [{ a: { $size: -1 } }, 2, 'Expected a non-negative number'],
    [{ a: { $mod: [0, 1] } }, 2, 'divisor cannot be 0'],
    [{ a: { $mod: [1] } }, 2, 'malformed mod, not enough elements'],
    [{ a: { $type: 'foo' } }, 2, 'Unknown type name alias: foo'],
    [{ a: { $type: 99 } }, 2, 'Invalid numerical type code: 99'],
    [{ a: { $all: 1 } }, 2, '$all needs an array'],
    [{ a: { $ne: /x/ } }, 2, "Can't have regex as arg to $ne"],
    [{ $expr: { $foo: 1 } }, 168, "Unrecognized expression '$foo'"],
  ])('%j', (filter, code, message) => {
    const compile = (): unknown => compileFilter(filter);
    expect(compile).toThrow(MongoFault);
    expect(compile).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});
