import { type Doc, EMPTY_ARRAY, valuesAt } from './index.js';

const own = (json: string): Doc => JSON.parse(json) as Doc;

describe('valuesAt', () => {
  it.each<[string, Doc, string, unknown[]]>([
    ['a scalar', { a: 1 }, 'a', [1]],
    ['a missing field', {}, 'a', [null]],
    ['null', { a: null }, 'a', [null]],
    ['the elements of an array', { a: [1, 2] }, 'a', [1, 2]],
    ['an inner array as it is', { a: [[1], 2] }, 'a', [[1], 2]],
    ['an empty array', { a: [] }, 'a', [EMPTY_ARRAY]],
    ['a path through documents', { a: { b: 1 } }, 'a.b', [1]],
    ['a path that ends at a scalar', { a: 1 }, 'a.b', [null]],
    ['a path through an array', { a: [{ b: 1 }, { b: [2, 3] }, {}] }, 'a.b', [1, 2, 3, null]],
    ['a path through scalars in an array', { a: [1, 2] }, 'a.b', [null]],
    ['a path through an empty array', { a: [] }, 'a.b', [null]],
    ['a position, and the documents that have no such field', { a: [{ b: 1 }, { b: 2 }] }, 'a.1.b', [null, null, 2]],
    ['a position at the end', { a: [7, 8] }, 'a.1', [8]],
    ['no array in an array', { a: [[{ b: 1 }]] }, 'a.b', [null]],
    ['no inherited property', {}, 'constructor', [null]],
    ['no prototype', {}, '__proto__', [null]],
    ['a field called __proto__', own('{"__proto__": {"x": 1}}'), '__proto__.x', [1]],
  ])('finds %s', (_, doc, path, expected) => {
    expect(valuesAt(doc, path)).toEqual(expected);
  });
});
