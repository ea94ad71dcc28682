import { Decimal128, Double, Long } from 'bson';
import { type Doc, runPipeline } from './index.js';

const docs: readonly Doc[] = Object.freeze([
  Object.freeze({ _id: 1, a: 1, b: 'x', t: [1, 2], c: Object.freeze({ d: 1, e: 2 }) }),
  Object.freeze({ _id: 2, a: Long.fromNumber(2), b: 'y', t: [] }),
  Object.freeze({ _id: 3, a: 2.5, b: 'x', t: null }),
  Object.freeze({ _id: 4, a: null, b: null }),
  Object.freeze({ _id: 5, b: 'x', t: 7 }),
]);
const context = { now: new Date(0), collection: (name: string): Iterable<Doc> => (name === 'docs' ? docs : []) };
const run = (...pipeline: Doc[]): Doc[] => runPipeline(docs, pipeline, context);
const ids = (...pipeline: Doc[]): unknown[] => run(...pipeline).map((doc) => doc['_id']);
const grouped = (accumulator: Doc, filter: Doc = {}): unknown =>
  run({ $match: filter }, { $group: { _id: null, r: accumulator } })[0]?.['r'];

describe('$group', () => {
  it.each<[Doc, unknown, Doc?]>([
    [{ $sum: 1 }, 5],
    [{ $sum: '$a' }, 5.5],
    [{ $sum: '$a' }, Long.fromNumber(3), { _id: { $lte: 2 } }],
    [{ $sum: '$nope' }, 0],
    [{ $sum: { $cond: [{ $eq: ['$b', 'x'] }, 1, 0] } }, 3],
    [{ $avg: '$a' }, 5.5 / 3],
    [{ $avg: '$_id' }, new Double(3)],
    [{ $avg: '$nope' }, null],
    [{ $min: '$a' }, 1],
    [{ $max: '$a' }, 2.5],
    [{ $max: '$b' }, 'y'],
    [{ $min: '$nope' }, null],
    [{ $first: '$a' }, 1],
    [{ $last: '$a' }, null],
    [{ $push: '$a' }, [1, Long.fromNumber(2), 2.5, null]],
    [{ $push: { id: '$_id' } }, [{ id: 1 }, { id: 2 }], { _id: { $lte: 2 } }],
    [{ $addToSet: '$b' }, ['x', 'y', null]],
    [{ $mergeObjects: '$c' }, { d: 1, e: 2 }],
    [{ $count: {} }, 5],
  ])('%j is %j', (...[accumulator, expected, filter]) => {
    expect(grouped(accumulator, filter)).toEqual(expected);
  });

  it('sums exactly over all types', () => {
    const sum = (...values: unknown[]): unknown =>
      runPipeline(
        values.map((v) => ({ v })),
        [{ $group: { _id: null, r: { $sum: '$v' } } }],
        context,
      )[0]?.['r'];
    expect(sum(2147483647, 1)).toEqual(Long.fromNumber(2147483648));
    expect(sum(Long.MAX_VALUE, 1)).toEqual(2 ** 63);
    expect(sum(0.1, 0.2, 0.3)).toBe(0.6);
    expect(sum(1e100, 1, -1e100)).toEqual(new Double(1));
    expect(sum(1, Decimal128.fromString('0.5'))).toEqual(Decimal128.fromString('1.5'));
  });

  it('puts equal keys of different types, and null with missing, into one group', () => {
    const values = [{ k: 1 }, { k: Long.ONE }, { k: new Double(1) }, { k: null }, {}];
    expect(runPipeline(values, [{ $group: { _id: '$k', n: { $sum: 1 } } }], context)).toEqual([
      { _id: 1, n: 3 },
      { _id: null, n: 2 },
    ]);
  });

  it('groups by several fields', () => {
    expect(
      run({ $group: { _id: { b: '$b', x: '$nope' }, n: { $sum: 1 } } }, { $sort: { n: -1 } }, { $limit: 1 }),
    ).toEqual([{ _id: { b: 'x' }, n: 3 }]);
  });
});

describe('stages', () => {
  it('matches, sorts, skips and limits', () => {
    expect(ids({ $match: { b: 'x' } }, { $sort: { _id: -1 } }, { $skip: 1 }, { $limit: 1 })).toEqual([3]);
  });

  it('stops reading at the limit', () => {
    let read = 0;
    const endless = {
      *[Symbol.iterator](): Generator<Doc> {
        for (;;) yield { _id: read++ };
      },
    };
    expect(runPipeline(endless, [{ $match: {} }, { $limit: 2 }], context)).toHaveLength(2);
    expect(read).toBe(2);
  });

  it('projects', () => {
    expect(run({ $match: { _id: 1 } }, { $project: { 'c.d': 1, s: { $add: ['$a', 1] } } })).toEqual([
      { _id: 1, c: { d: 1 }, s: 2 },
    ]);
    expect(run({ $match: { _id: 1 } }, { $project: { t: 0, c: { d: 0 } } })).toEqual([
      { _id: 1, a: 1, b: 'x', c: { e: 2 } },
    ]);
  });

  it('adds and removes fields without touching its input', () => {
    expect(
      run({ $match: { _id: 1 } }, { $addFields: { 'c.z': '$a', t: '$$REMOVE' } }, { $unset: ['b', 'c.d'] }),
    ).toEqual([{ _id: 1, a: 1, c: { e: 2, z: 1 } }]);
    expect(run({ $match: { _id: 4 } }, { $set: { 'c.z': 1 } })).toEqual([{ _id: 4, a: null, b: null, c: { z: 1 } }]);
  });

  it('unwinds', () => {
    expect(run({ $unwind: '$t' }, { $project: { t: 1 } })).toEqual([
      { _id: 1, t: 1 },
      { _id: 1, t: 2 },
      { _id: 5, t: 7 },
    ]);
    const options = { path: '$t', includeArrayIndex: 'i', preserveNullAndEmptyArrays: true };
    expect(run({ $unwind: options }, { $project: { t: 1, i: 1 } })).toEqual([
      { _id: 1, t: 1, i: Long.ZERO },
      { _id: 1, t: 2, i: Long.ONE },
      { _id: 2, i: null },
      { _id: 3, t: null, i: null },
      { _id: 4, i: null },
      { _id: 5, t: 7, i: null },
    ]);
  });

  it('counts, and counts nothing as nothing', () => {
    expect(run({ $match: { b: 'x' } }, { $count: 'n' })).toEqual([{ n: 3 }]);
    expect(run({ $match: { b: 'q' } }, { $count: 'n' })).toEqual([]);
    expect(run({ $sortByCount: '$b' })[0]).toEqual({ _id: 'x', count: 3 });
  });

  it('runs facets over the same input', () => {
    expect(
      run(
        { $match: { b: 'x' } },
        { $facet: { n: [{ $count: 'n' }], last: [{ $sort: { _id: -1 } }, { $limit: 1 }, { $project: { _id: 1 } }] } },
      ),
    ).toEqual([{ n: [{ n: 3 }], last: [{ _id: 5 }] }]);
  });

  it('replaces the root', () => {
    expect(run({ $match: { _id: 1 } }, { $replaceRoot: { newRoot: '$c' } })).toEqual([{ d: 1, e: 2 }]);
    expect(run({ $limit: 1 }, { $replaceWith: { x: '$a' } })).toEqual([{ x: 1 }]);
  });

  it('looks up by equality: elements of arrays, missing as null, numbers of any type', () => {
    const lookup = (localField: string, foreignField: string): unknown[] =>
      run({ $lookup: { from: 'docs', localField, foreignField, as: 'j' } }).map((doc) =>
        (doc['j'] as Doc[]).map((j) => j['_id']),
      );
    expect(lookup('t', '_id')).toEqual([[1, 2], [], [], [], []]);
    expect(lookup('a', '_id')).toEqual([[1], [2], [], [], []]);
    expect(lookup('a', 'a')).toEqual([[1], [2], [3], [4, 5], [4, 5]]);
    expect(lookup('_id', 't')).toEqual([[1], [1], [], [], []]);
    expect(
      run({ $limit: 1 }, { $lookup: { from: 'none', localField: 'a', foreignField: 'a', as: 'x.y' } })[0]?.['x'],
    ).toEqual({ y: [] });
  });

  it('sorts into buckets', () => {
    expect(run({ $bucket: { groupBy: '$_id', boundaries: [1, 3, 5], default: 'other' } })).toEqual([
      { _id: 1, count: 2 },
      { _id: 3, count: 2 },
      { _id: 'other', count: 1 },
    ]);
  });

  it('keeps __proto__ an ordinary name', () => {
    const named = JSON.parse('{"__proto__": {"a": 1}}') as Doc;
    const [result] = runPipeline(
      [named],
      [{ $addFields: { x: 1 } }, { $group: { _id: '$__proto__.a', p: { $push: '$$ROOT' } } }],
      context,
    );
    expect(result?.['_id']).toBe(1);
    expect(Object.keys((result as { p: Doc[] }).p[0] as Doc)).toEqual(['__proto__', 'x']);
  });
});

describe('faults', () => {
  it.each<[Doc, number, string]>([
    [{ $foo: 1 }, 40324, "Unrecognized pipeline stage name: '$foo'"],
    [{ $merge: 'x' }, 40324, "Unrecognized pipeline stage name: '$merge'"],
    [{}, 40323, 'A pipeline stage specification object must contain exactly one field.'],
    [{ $match: 1 }, 15959, 'the match filter must be an expression in an object'],
    [{ $match: { $text: {} } }, 2, '$text'],
    [{ $sort: {} }, 15976, '$sort stage must have at least one sort key'],
    [{ $limit: 0 }, 15958, 'the limit must be positive'],
    [{ $limit: 'x' }, 2107201, 'invalid argument to $limit stage'],
    [{ $skip: -1 }, 5107200, 'invalid argument to $skip stage'],
    [{ $project: {} }, 51272, 'must have at least one field'],
    [{ $project: { a: 1, b: 0 } }, 31254, 'Cannot do exclusion on field b in inclusion projection'],
    [{ $group: {} }, 15955, 'a group specification must include an _id'],
    [{ $group: { _id: 1, r: 1 } }, 40234, "The field 'r' must be an accumulator object"],
    [{ $group: { _id: 1, r: { $foo: 1 } } }, 15952, "unknown group operator '$foo'"],
    [{ $group: { _id: { $foo: 1 } } }, 168, "Unrecognized expression '$foo'"],
    [{ $count: '$x' }, 40158, 'the count field cannot be a $-prefixed path'],
    [{ $unwind: 't' }, 28818, "path option to $unwind stage should be prefixed with a '$': t"],
    [{ $replaceRoot: { newRoot: '$b' } }, 40228, "'newRoot' expression must evaluate to an object"],
    [{ $facet: { x: [{ $facet: {} }] } }, 40600, '$facet is not allowed to be used within a $facet stage'],
    [{ $lookup: { from: 'x', as: 'y', pipeline: [] } }, 9, '$lookup'],
    [{ $bucket: { groupBy: '$_id', boundaries: [3, 1] } }, 40194, 'sorted in ascending order'],
  ])('%j', (stage, code, message) => {
    expect(() => run(stage)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  it('refuses a later stage before it reads a document', () => {
    const unread = {
      [Symbol.iterator]: (): never => {
        throw new Error('read');
      },
    };
    expect(() => runPipeline(unread, [{ $sort: { a: 1 } }, { $foo: 1 }], context)).toThrow(
      expect.objectContaining({ code: 40324 }),
    );
  });
});
