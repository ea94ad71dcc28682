import { Decimal128, Double, Long, Timestamp } from 'bson';
import { type Doc, type UpdateOptions, applyUpdate, documentFromFilter } from './index.js';

const now = new Date('2026-01-02T03:04:05.678Z');
type Extra = Partial<UpdateOptions>;
const own = (json: string): Doc => JSON.parse(json) as Doc;

const freeze = <T>(value: T): T => {
  if (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  ) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
};

/** The input is frozen: whoever changes it fails. */
const update = (doc: Doc, change: Doc, extra: Extra = {}): Doc =>
  applyUpdate(freeze({ _id: 0, ...doc }), freeze(change), { now, inserting: false, ...extra });

type Row = [before: Doc, change: Doc, after: Doc, extra?: Extra];
type Refusal = [before: Doc, change: Doc, code: number, message: string, extra?: Extra];

// Rest parameters: Jest takes a declared parameter that a row does not fill for its `done` callback.
const gives = (rows: Row[]): void => {
  it.each(rows)('%j %j gives %j', (...[before, change, after, extra]) => {
    const result = update(before, change, extra);
    expect(result).toEqual({ _id: 0, ...after });
    expect(Object.keys(result)).toEqual(Object.keys({ _id: 0, ...after }));
  });
};

const refuses = (rows: Refusal[]): void => {
  it.each(rows)('%j %j is fault %i %s', (...[before, change, code, message, extra]) => {
    expect(() => update(before, change, extra)).toThrow(
      expect.objectContaining({ name: 'MongoFault', code, message: expect.stringContaining(message) }),
    );
  });
};

describe('$set and $unset', () => {
  gives([
    [{ a: 1 }, { $set: { a: 2 } }, { a: 2 }],
    [{ q: 1 }, { $set: { z: 1, b: 2, 'c.d': 3 } }, { q: 1, b: 2, c: { d: 3 }, z: 1 }],
    [{}, { $set: { '10': 1, '9': 1 } }, { '9': 1, '10': 1 }],
    [{ a: {} }, { $set: { 'a.b.c': 2 } }, { a: { b: { c: 2 } } }],
    [{ a: [1] }, { $set: { 'a.3': 2 } }, { a: [1, null, null, 2] }],
    [{ a: [{ b: 1 }, { b: 2 }] }, { $set: { 'a.1.b': 5 } }, { a: [{ b: 1 }, { b: 5 }] }],
    [{}, { $set: { 'a.0': 1 } }, { a: { 0: 1 } }],
    [{}, { $set: { 'constructor.name': 1 } }, { constructor: { name: 1 } }],
    [{ a: 1, b: 2 }, { $unset: { a: '' } }, { b: 2 }],
    [{ a: { b: 1, c: 2 } }, { $unset: { 'a.b': 1 } }, { a: { c: 2 } }],
    [{ a: [1, 2, 3] }, { $unset: { 'a.1': 1 } }, { a: [1, null, 3] }],
    [{ a: 1 }, { $unset: { 'a.b': 1, 'x.y': 1 } }, { a: 1 }],
    [{ a: 1 }, { $set: {} }, { a: 1 }],
    [{ a: 1 }, { $set: { _id: 0, a: 2 } }, { a: 2 }],
    [{ a: 1 }, { $setOnInsert: { b: 1 } }, { a: 1 }],
    [{ a: 1 }, { $setOnInsert: { b: 1 } }, { a: 1, b: 1 }, { inserting: true }],
  ]);
  refuses([
    [{ a: 1 }, { $set: { 'a.b': 2 } }, 28, "Cannot create field 'b' in element {a: 1}"],
    [{ a: [1, 2] }, { $set: { 'a.b': 2 } }, 28, "Cannot create field 'b' in element {a: [ 1, 2 ]}"],
    [{ a: null }, { $set: { 'a.b': 2 } }, 28, "Cannot create field 'b' in element {a: null}"],
    [{ a: [] }, { $set: { 'a.9999999': 2 } }, 2, "can't backfill"],
    [{}, { $set: { _id: 5 } }, 66, "Performing an update on the path '_id' would modify the immutable field '_id'"],
    [{}, { $unset: { _id: 1 } }, 66, "Performing an update on the path '_id'"],
    [{}, { $set: { a: 1, 'a.b': 2 } }, 40, "Updating the path 'a.b' would create a conflict at 'a'"],
    [{}, { $set: { 'a.b': 1 }, $inc: { a: 1 } }, 40, "Updating the path 'a' would create a conflict at 'a'"],
    [{}, { $set: { '': 1 } }, 56, 'An empty update path is not valid.'],
    [{}, { $set: { 'a.': 1 } }, 56, "The update path 'a.' contains an empty field name"],
    [{}, { $set: { $x: 1 } }, 52, "The dollar ($) prefixed field '$x' in '$x' is not allowed"],
  ]);

  it('keeps __proto__ an ordinary field', () => {
    const result = update({}, { $set: own('{"__proto__": {"polluted": 1}, "a.__proto__.b": 1}') });
    expect(Object.keys(result)).toEqual(['_id', '__proto__', 'a']);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(({} as Doc)['b']).toBeUndefined();
    expect(Object.keys(update(result, { $unset: own('{"__proto__": 1}') }))).toEqual(['_id', 'a']);
  });

  it('gives the same object back when nothing changes, and another when only a type does', () => {
    const doc = { _id: 0, a: 1, b: { c: [1] } };
    expect(applyUpdate(doc, { $set: { a: 1, 'b.c.0': 1 } }, { now, inserting: false })).toBe(doc);
    expect(applyUpdate(doc, { $set: { a: Long.ONE } }, { now, inserting: false })).toEqual({ ...doc, a: Long.ONE });
  });
});

describe('arithmetic', () => {
  gives([
    [{ a: 1 }, { $inc: { a: 2, b: 5 } }, { a: 3, b: 5 }],
    [{ a: 1 }, { $inc: { a: 1.5 } }, { a: 2.5 }],
    [{ a: 1.5 }, { $inc: { a: 1.5 } }, { a: new Double(3) }],
    [{ a: 2147483647 }, { $inc: { a: 1 } }, { a: Long.fromNumber(2147483648) }],
    [{ a: Long.fromNumber(5) }, { $inc: { a: 1 } }, { a: Long.fromNumber(6) }],
    [{ a: 1 }, { $inc: { a: Long.ONE } }, { a: Long.fromNumber(2) }],
    [{ a: Decimal128.fromString('1.10') }, { $inc: { a: 1 } }, { a: Decimal128.fromString('2.10') }],
    [{ a: 3 }, { $mul: { a: 2, b: 2, c: 2.5 } }, { a: 6, b: 0, c: new Double(0) }],
    [{}, { $mul: { a: Long.ONE } }, { a: Long.ZERO }],
    [{ a: 100000 }, { $mul: { a: 100000 } }, { a: Long.fromNumber(10000000000) }],
    [{ a: 3 }, { $min: { a: 2, b: 1 } }, { a: 2, b: 1 }],
    [{ a: 3 }, { $min: { a: 4 } }, { a: 3 }],
    [{ a: 3 }, { $max: { a: 'x' } }, { a: 'x' }],
    [{ a: 3 }, { $max: { a: Long.fromNumber(3) } }, { a: 3 }],
    [{ a: null }, { $max: { a: 1 } }, { a: 1 }],
    [{ a: null }, { $min: { a: 1 } }, { a: null }],
    [
      {},
      { $currentDate: { a: true, b: { $type: 'date' }, c: { $type: 'timestamp' } } },
      { a: now, b: now, c: new Timestamp({ t: 1767323045, i: 1 }) },
    ],
  ]);
  refuses([
    [
      { a: 'x' },
      { $inc: { a: 1 } },
      14,
      "Cannot apply $inc to a value of non-numeric type. {_id: 0} has the field 'a' of non-numeric type string",
    ],
    [{ a: null }, { $mul: { a: 1 } }, 14, 'Cannot apply $mul to a value of non-numeric type'],
    [{ a: 1 }, { $inc: { a: 'x' } }, 14, 'Cannot increment with non-numeric argument: {a: "x"}'],
    [{ a: 1 }, { $mul: { a: null } }, 14, 'Cannot multiply with non-numeric argument: {a: null}'],
    [
      { a: Long.MAX_VALUE },
      { $inc: { a: 1 } },
      2,
      'Failed to apply $inc operations to current value (9223372036854775807)',
    ],
    [{}, { $currentDate: { a: 'x' } }, 2, 'string is not valid type for $currentDate'],
    [
      {},
      { $currentDate: { a: { $type: 'x' } } },
      2,
      "The '$type' string field is required to be 'date' or 'timestamp'",
    ],
  ]);
});

describe('$rename', () => {
  gives([
    [{ a: 1, b: 2 }, { $rename: { a: 'c' } }, { b: 2, c: 1 }],
    [{ a: 1, b: 2 }, { $rename: { a: 'b' } }, { b: 1 }],
    [{ a: { x: 1 } }, { $rename: { 'a.x': 'b.y' } }, { a: {}, b: { y: 1 } }],
    [{ a: 1 }, { $rename: { q: 'b' } }, { a: 1 }],
  ]);
  refuses([
    [{ a: 1 }, { $rename: { a: 'a' } }, 2, 'The source and target field for $rename must differ: a: "a"'],
    [{ a: 1 }, { $rename: { a: 1 } }, 2, "The 'to' field for $rename must be a string: a: 1"],
    [
      { a: [1] },
      { $rename: { 'a.0': 'b' } },
      2,
      "The source field cannot be an array element, 'a.0' in doc with _id: 0 has an array field called 'a'",
    ],
    [{ a: 1, b: [1] }, { $rename: { a: 'b.0' } }, 2, 'The destination field cannot be an array element'],
    [{ a: 1 }, { $rename: { a: 'b' }, $set: { b: 1 } }, 40, "Updating the path 'b' would create a conflict at 'b'"],
    [{ a: 1 }, { $rename: { a: '_id' } }, 66, 'immutable'],
  ]);
});

describe('$push', () => {
  gives([
    [{ a: [1] }, { $push: { a: 2 } }, { a: [1, 2] }],
    [{}, { $push: { 'a.b': 2 } }, { a: { b: [2] } }],
    [{ a: [1] }, { $push: { a: [2, 3] } }, { a: [1, [2, 3]] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2, 5], $sort: 1 } } }, { a: [1, 2, 3, 5] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2, 5], $sort: -1, $slice: 2 } } }, { a: [5, 3] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2, 5], $slice: -3 } } }, { a: [1, 2, 5] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2, 5], $position: 1 } } }, { a: [3, 2, 5, 1] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2], $position: -1 } } }, { a: [3, 2, 1] }],
    [
      { a: [{ x: 2 }, { x: 1 }] },
      { $push: { a: { $each: [{ x: 0 }], $sort: { x: 1 } } } },
      { a: [{ x: 0 }, { x: 1 }, { x: 2 }] },
    ],
    [{ a: [1, 2] }, { $push: { a: { $each: [], $slice: 0 } } }, { a: [] }],
    [{}, { $push: { a: { $each: [] } } }, { a: [] }],
  ]);
  refuses([
    [{ a: 1 }, { $push: { a: 2 } }, 2, "The field 'a' must be an array but is of type int in document {_id: 0}"],
    [{}, { $push: { a: { $each: 1 } } }, 2, 'The argument to $each in $push must be an array'],
    [{}, { $push: { a: { $each: [], $foo: 1 } } }, 2, 'Unrecognized clause in $push: $foo'],
    [
      {},
      { $push: { a: { $each: [], $slice: 'x' } } },
      2,
      'The value for $slice must be an integer value but was given type: string',
    ],
    [{}, { $push: { a: { $each: [], $position: 1.5 } } }, 2, 'The value for $position must be an integer value'],
    [{}, { $push: { a: { $each: [], $sort: 2 } } }, 2, 'The $sort element value must be either 1 or -1'],
  ]);
});

describe('other array modifiers', () => {
  gives([
    [{ a: [1, 2] }, { $addToSet: { a: Long.fromNumber(2) } }, { a: [1, 2] }],
    [{ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2, 3] } } }, { a: [1, 2, 3] }],
    [{}, { $addToSet: { a: { $each: [1, 1] } } }, { a: [1] }],
    [
      { a: [{ x: 1, y: 2 }] },
      { $addToSet: { a: { y: 2, x: 1 } } },
      {
        a: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      },
    ],
    [{ a: [1] }, { $addToSet: { a: [1] } }, { a: [1, [1]] }],
    [{ a: [1, 2, 3] }, { $pop: { a: 1 } }, { a: [1, 2] }],
    [{ a: [1, 2, 3] }, { $pop: { a: -1 } }, { a: [2, 3] }],
    [{ a: [] }, { $pop: { a: 1, b: 1 } }, { a: [] }],
    [{ a: [1, 2, 3, 2] }, { $pull: { a: 2 } }, { a: [1, 3] }],
    [{ a: [1, 2, 3] }, { $pull: { a: { $gt: 1 } } }, { a: [1] }],
    [{ a: ['ab', 'c'] }, { $pull: { a: /^a/ } }, { a: ['c'] }],
    [{ a: [{ x: 1, y: 1 }, { x: 2 }] }, { $pull: { a: { x: 1 } } }, { a: [{ x: 2 }] }],
    [{ a: [{ x: 1, y: 1 }, { x: 2 }, 5] }, { $pull: { a: { x: { $gt: 1 } } } }, { a: [{ x: 1, y: 1 }, 5] }],
    [{ a: [[1], [2]] }, { $pull: { a: [1] } }, { a: [[2]] }],
    [{ a: [1, null] }, { $pull: { a: null, b: 1 } }, { a: [1] }],
    [{ a: [1, 2, 3, 2] }, { $pullAll: { a: [2, Long.fromNumber(3)] } }, { a: [1] }],
  ]);
  refuses([
    [
      { a: 1 },
      { $addToSet: { a: 3 } },
      2,
      "Cannot apply $addToSet to non-array field. Field named 'a' has non-array type int",
    ],
    [
      {},
      { $addToSet: { a: { $each: 1 } } },
      14,
      'The argument to $each in $addToSet must be an array but it was of type int',
    ],
    [{ a: 1 }, { $pop: { a: 1 } }, 14, "Path 'a' contains an element of non-array type 'int'"],
    [{}, { $pop: { a: 2 } }, 9, '$pop expects 1 or -1, found: 2'],
    [{ a: 1 }, { $pull: { a: 1 } }, 2, 'Cannot apply $pull to a non-array value'],
    [{}, { $pullAll: { a: 1 } }, 2, '$pullAll requires an array argument but was given a int'],
  ]);
});

describe('positional operators', () => {
  gives([
    [{ a: [1, 2, 3] }, { $set: { 'a.$': 9 } }, { a: [1, 9, 3] }, { filter: { a: 2 } }],
    [
      { a: [{ x: 1 }, { x: 2 }] },
      { $set: { 'a.$.y': 9 } },
      { a: [{ x: 1 }, { x: 2, y: 9 }] },
      { filter: { 'a.x': 2 } },
    ],
    [
      {
        a: [
          { x: 1, y: 1 },
          { x: 1, y: 2 },
        ],
      },
      { $inc: { 'a.$.y': 9 } },
      {
        a: [
          { x: 1, y: 1 },
          { x: 1, y: 11 },
        ],
      },
      { filter: { $and: [{ a: { $elemMatch: { x: 1, y: 2 } } }] } },
    ],
    [
      { b: { a: [1, 2] } },
      { $unset: { 'b.a.$': 1 } },
      { b: { a: [1, null] } },
      { filter: { $or: [{ 'b.a': 7 }, { 'b.a': { $gte: 2 } }] } },
    ],
    [{ a: [1, 2] }, { $inc: { 'a.$[]': 1 } }, { a: [2, 3] }],
    [
      { a: [{ b: [1, 2] }, { b: [3] }] },
      { $set: { 'a.$[].b.$[y]': 0 } },
      { a: [{ b: [0, 2] }, { b: [0] }] },
      { arrayFilters: [{ $or: [{ y: 1 }, { y: 3 }] }] },
    ],
    [
      { a: [{ b: 1 }, { b: 5 }] },
      { $set: { 'a.$[x].c': 0 } },
      { a: [{ b: 1 }, { b: 5, c: 0 }] },
      { arrayFilters: [{ 'x.b': { $gt: 3 } }] },
    ],
  ]);
  refuses([
    [{ a: [1] }, { $set: { 'a.$': 9 } }, 2, 'The positional operator did not find the match needed from the query.'],
    [{ a: [1] }, { $set: { 'a.$': 9 } }, 2, 'The positional operator did not find', { filter: { a: { $ne: 5 } } }],
    [{}, { $set: { '$.a': 9 } }, 2, "Cannot have positional (i.e. '$') element in the first position in path '$.a'"],
    [
      { a: [[1]] },
      { $set: { 'a.$.$': 9 } },
      2,
      "Too many positional (i.e. '$') elements found in path 'a.$.$'",
      { filter: { a: [1] } },
    ],
    [{}, { $inc: { 'a.$[]': 1 } }, 2, "The path 'a' must exist in the document in order to apply array updates."],
    [{ a: 1 }, { $inc: { 'a.$[]': 1 } }, 2, 'Cannot apply array updates to non-array element a: 1'],
    [{ a: [1] }, { $set: { 'a.$[y]': 0 } }, 2, "No array filter found for identifier 'y' in path 'a.$[y]'"],
    [
      { a: [1] },
      { $set: { b: 0 } },
      9,
      "The array filter for identifier 'y' was not used in the update { $set: { b: 0 } }",
      { arrayFilters: [{ y: 1 }] },
    ],
    [
      { a: [1] },
      { $set: { 'a.$[X]': 0 } },
      2,
      'must be an alphanumeric string beginning with a lowercase letter',
      { arrayFilters: [{ X: 1 }] },
    ],
    [
      { a: [1] },
      { $set: { 'a.$[x]': 0 } },
      9,
      "Expected a single top-level field name, found 'x' and 'y'",
      { arrayFilters: [{ x: 1, y: 1 }] },
    ],
    [
      { a: [1] },
      { $set: { 'a.$[x]': 0 } },
      9,
      'Found multiple array filters with the same top-level field name x',
      { arrayFilters: [{ x: 1 }, { x: 2 }] },
    ],
    [{ a: [{ b: 1 }] }, { $set: { 'a.$[].b': 1, 'a.0.b': 2 } }, 40, "Update created a conflict at 'a.0.b'"],
  ]);
});

describe('replacement and form', () => {
  gives([
    [{ a: 1 }, { b: 2 }, { b: 2 }],
    [{ a: 1 }, { b: 2, _id: 0 }, { b: 2 }],
    [{ a: 1 }, {}, {}],
  ]);
  refuses([
    [
      { a: 1 },
      { _id: 7 },
      66,
      "After applying the update, the (immutable) field '_id' was found to have been altered to _id: 7",
    ],
    [{}, { a: 1, $set: { b: 1 } }, 52, "The dollar ($) prefixed field '$set'"],
    [
      {},
      { $foo: { a: 1 } },
      9,
      'Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update specified as an array',
    ],
    [{}, { $set: { a: 1 }, b: 1 }, 9, 'Unknown modifier: b.'],
    [
      {},
      { $set: 1 },
      9,
      'Modifiers operate on fields but we found type int instead. For example: {$mod: {<field>: ...}} not {$set: 1}',
    ],
    [{}, [{ $set: { a: 1 } }] as unknown as Doc, 9, 'pipeline-style updates are not supported'],
  ]);
});

describe('documentFromFilter', () => {
  it.each<[Doc, Doc]>([
    [
      { a: 1, b: { $eq: 2 }, c: { $gt: 1 }, d: /x/, e: { $ne: 1 } },
      { a: 1, b: 2 },
    ],
    [
      { $and: [{ a: 1 }, { 'b.c': 2 }], $or: [{ d: 3 }] },
      { a: 1, b: { c: 2 }, d: 3 },
    ],
    [{ $or: [{ a: 1 }, { a: 2 }] }, {}],
    [
      { a: { $all: [1] }, b: { $in: [2] }, c: { $in: [1, 2] } },
      { a: 1, b: 2 },
    ],
    [
      { 'a.b': 1, 'a.c': 2, 'x.0': 3 },
      { a: { b: 1, c: 2 }, x: { 0: 3 } },
    ],
    [
      { a: { b: 1 }, n: null },
      { a: { b: 1 }, n: null },
    ],
  ])('%j seeds %j', (filter, seed) => {
    expect(documentFromFilter(filter)).toEqual(seed);
  });

  it.each<[Doc, string]>([
    [{ a: 1, $and: [{ a: 1 }] }, "cannot infer query fields to set, path 'a' is matched twice"],
    [{ a: { x: 1 }, 'a.b': 1 }, "cannot infer query fields to set, both paths 'a.b' and 'a' are matched"],
  ])('%j is a fault', (filter, message) => {
    expect(() => documentFromFilter(filter)).toThrow(expect.objectContaining({ code: 54, message }));
  });

  it('puts the id of an upsert first and refuses another one', () => {
    const seed = documentFromFilter({ b: 1, _id: 3 });
    const options = { now, inserting: true };
    expect(Object.keys(applyUpdate(seed, { $set: { a: 1 } }, options))).toEqual(['_id', 'b', 'a']);
    expect(applyUpdate({ b: 1 }, { $set: { _id: 6 } }, options)).toEqual({ _id: 6, b: 1 });
    expect(() => applyUpdate(seed, { $set: { _id: 6 } }, options)).toThrow(expect.objectContaining({ code: 66 }));
  });
});
