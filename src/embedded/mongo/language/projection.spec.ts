import { type Doc, compileProjection } from './index.js';

const own = (json: string): Doc => JSON.parse(json) as Doc;
const doc: Doc = {
  _id: 0,
  a: 1,
  b: { c: 1, d: 2 },
  t: [1, 2, 3],
  o: [{ p: 1, q: 1 }, { p: 2, q: 2 }, 5, [{ p: 9, q: 9 }]],
};

describe('compileProjection', () => {
  it.each<[Doc | undefined, Doc, Doc?]>([
    [undefined, doc],
    [{}, doc],
    [{ a: 1 }, { _id: 0, a: 1 }],
    [{ a: 1, _id: 0 }, { a: 1 }],
    [
      { t: true, a: 1.5 },
      { _id: 0, a: 1, t: [1, 2, 3] },
    ],
    [{ _id: 1 }, { _id: 0 }],
    [{ _id: 0, b: 0, t: 0, o: 0 }, { a: 1 }],
    [
      { b: 0, t: 0, o: 0, _id: 1 },
      { _id: 0, a: 1 },
    ],
    [{ 'b.c': 1 }, { _id: 0, b: { c: 1 } }],
    [
      { b: { c: 1 }, 'a.x': 1 },
      { _id: 0, b: { c: 1 } },
    ],
    [
      { 'b.c': 0, t: 0, o: 0 },
      { _id: 0, a: 1, b: { d: 2 } },
    ],
    [{ 'o.p': 1 }, { _id: 0, o: [{ p: 1 }, { p: 2 }, [{ p: 9 }]] }],
    [
      { 'o.p': 0, b: 0, t: 0 },
      { _id: 0, a: 1, o: [{ q: 1 }, { q: 2 }, 5, [{ q: 9 }]] },
    ],
    [
      { t: { $slice: 2 }, b: 0, o: 0 },
      { _id: 0, a: 1, t: [1, 2] },
    ],
    [
      { t: { $slice: -1 }, a: 1 },
      { _id: 0, a: 1, t: [3] },
    ],
    [
      { t: { $slice: [1, 1] }, a: 1 },
      { _id: 0, a: 1, t: [2] },
    ],
    [
      { t: { $slice: [-2, 1] }, a: 1 },
      { _id: 0, a: 1, t: [2] },
    ],
    [{ o: { $elemMatch: { p: 2 } } }, { _id: 0, o: [{ p: 2, q: 2 }] }],
    [
      { t: { $elemMatch: { $gt: 1 } }, a: 1 },
      { _id: 0, a: 1, t: [2] },
    ],
    [{ t: { $elemMatch: { $gt: 9 } } }, { _id: 0 }],
    [{ 't.$': 1 }, { _id: 0, t: [2] }, { t: { $gt: 1 } }],
    [{ 'o.$': 1, a: 1 }, { _id: 0, a: 1, o: [{ p: 2, q: 2 }] }, { 'o.q': 2 }],
    [
      { x: { $add: ['$a', 1] }, y: 'text', z: '$b.c' },
      { _id: 0, x: 2, y: 'text', z: 1 },
    ],
    [{ 'b.x': '$a' }, { _id: 0, b: { x: 1 } }],
    [
      { constructor: 1, a: 1 },
      { _id: 0, a: 1 },
    ],
  ])('%j', (...[projection, expected, filter]) => {
    const result = compileProjection(projection, filter)(doc);
    expect(result).toEqual(expected);
    expect(Object.keys(result)).toEqual(Object.keys(expected));
  });

  it('keeps __proto__ an ordinary field', () => {
    const result = compileProjection(own('{"__proto__": 1, "x.__proto__": {"$literal": 2}}'))(
      own('{"__proto__": {"a": 1}}'),
    );
    expect(Object.keys(result)).toEqual(['__proto__', 'x']);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.keys(result['x'] as Doc)).toEqual(['__proto__']);
  });

  it('adds the text score and refuses when there is none', () => {
    const project = compileProjection({ score: { $meta: 'textScore' }, a: 1 });
    expect(project({ a: 1, b: 2 }, { textScore: 1.5 })).toEqual({ a: 1, score: 1.5 });
    expect(compileProjection({ score: { $meta: 'textScore' } })({ a: 1 }, { textScore: 2 })).toEqual({
      a: 1,
      score: 2,
    });
    expect(() => project({ a: 1 })).toThrow(expect.objectContaining({ code: 40218 }));
  });

  it.each<[Doc, number, string]>([
    [{ a: 1, b: 0 }, 31254, 'Cannot do exclusion on field b in inclusion projection'],
    [{ a: 0, b: 1 }, 31253, 'Cannot do inclusion on field b in exclusion projection'],
    [{ a: 0, x: '$b' }, 31252, 'Cannot use an expression in an exclusion projection'],
    [{ a: 1, 'a.b': 1 }, 31249, 'Path collision at a.b remaining portion b'],
    [{ 'a.b': 1, a: 1 }, 31250, 'Path collision at a'],
    [{ a: {} }, 51270, 'An empty sub-projection is not a valid value. Found empty object at path a'],
    [{ $a: 1 }, 16410, "FieldPath field names may not start with '$'"],
    [{ 'a.b': { $elemMatch: { c: 1 } } }, 31275, 'Cannot use $elemMatch projection on a nested field'],
    [{ a: { $meta: 'indexKey' } }, 17308, 'Unsupported argument to $meta: indexKey'],
    [{ a: { $foo: 1 } }, 168, "Unrecognized expression '$foo'"],
    [{ a: { $slice: [1, 0] } }, 28724, '$slice limit must be positive'],
  ])('%j is a fault', (projection, code, message) => {
    expect(() => compileProjection(projection)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
