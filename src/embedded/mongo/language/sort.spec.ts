import { Double, Long, MinKey } from 'bson';
import { type Doc, compileSort } from './index.js';

const order = (docs: Doc[], spec: Doc): unknown[] => docs.toSorted(compileSort(spec)).map((doc) => doc['_id']);

describe('compileSort', () => {
  it.each<[string, Doc, Doc[], unknown[]]>([
    [
      'a field ascending',
      { a: 1 },
      [
        { _id: 1, a: 2 },
        { _id: 2, a: 1 },
      ],
      [2, 1],
    ],
    [
      'a field descending',
      { a: -1 },
      [
        { _id: 1, a: 1 },
        { _id: 2, a: 2 },
      ],
      [2, 1],
    ],
    [
      'a direction of any numeric type',
      { a: Long.fromNumber(-1), b: new Double(1) },
      [
        { _id: 1, a: 1 },
        { _id: 2, a: 2 },
      ],
      [2, 1],
    ],
    [
      'a second field among equals',
      { a: 1, b: -1 },
      [
        { _id: 1, a: 1, b: 1 },
        { _id: 2, a: 1, b: 2 },
        { _id: 3, a: 0 },
      ],
      [3, 2, 1],
    ],
    [
      'types by their rank',
      { a: 1 },
      [{ _id: 1, a: 'x' }, { _id: 2, a: 5 }, { _id: 3 }, { _id: 4, a: new MinKey() }],
      [4, 3, 2, 1],
    ],
    ['missing like null, in place', { a: 1 }, [{ _id: 1 }, { _id: 2, a: null }, { _id: 3 }], [1, 2, 3]],
    [
      'an array by its smallest',
      { a: 1 },
      [
        { _id: 1, a: [9, 3] },
        { _id: 2, a: 2 },
        { _id: 3, a: 4 },
      ],
      [2, 1, 3],
    ],
    [
      'an array by its largest when descending',
      { a: -1 },
      [
        { _id: 1, a: 5 },
        { _id: 2, a: [1, 9] },
      ],
      [2, 1],
    ],
    [
      'an empty array below null',
      { a: 1 },
      [
        { _id: 1, a: null },
        { _id: 2, a: [] },
      ],
      [2, 1],
    ],
    [
      'a nested path',
      { 'a.b': 1 },
      [
        { _id: 1, a: { b: 2 } },
        { _id: 2, a: { b: 1 } },
        { _id: 3, a: 7 },
      ],
      [3, 2, 1],
    ],
    [
      'a path through an array',
      { 'a.b': -1 },
      [
        { _id: 1, a: [{ b: 1 }, { b: 5 }] },
        { _id: 2, a: { b: 3 } },
      ],
      [1, 2],
    ],
    [
      'a position',
      { 'a.1.b': 1 },
      [
        { _id: 1, a: [{ b: 1 }, { b: 5 }] },
        { _id: 2, a: [{}, { b: 3 }] },
      ],
      [2, 1],
    ],
    [
      'strings by code point',
      { a: 1 },
      [
        { _id: 1, a: '\u{1F600}' },
        { _id: 2, a: '\uFFFD' },
        { _id: 3, a: 'Z' },
        { _id: 4, a: 'a' },
      ],
      [3, 4, 2, 1],
    ],
    ['nothing', {}, [{ _id: 2 }, { _id: 1 }], [2, 1]],
  ])('orders by %s', (_, spec, docs, expected) => {
    expect(order(docs, spec)).toEqual(expected);
  });

  it('refuses other directions', () => {
    expect(() => compileSort({ a: 2 })).toThrow(expect.objectContaining({ code: 15975 }));
    expect(() => compileSort({ a: { $meta: 'textScore' } })).toThrow(expect.objectContaining({ code: 2 }));
  });
});
