import { bodyHash } from './idempotency.js';

describe('bodyHash', () => {
  it('is the same whatever the order of keys, at any depth', () => {
    expect(bodyHash({ a: 1, b: { c: [1, { d: 1, e: 2 }], f: null } })).toBe(
      bodyHash({ b: { f: null, c: [1, { e: 2, d: 1 }] }, a: 1 }),
    );
  });

  it.each([
    ['values', { a: 1 }, { a: 2 }],
    ['types', { a: 1 }, { a: '1' }],
    ['null and absent', { a: null }, {}],
    ['the order of a list', { a: [1, 2] }, { a: [2, 1] }],
    ['nesting', { a: { b: 1 } }, { a: 1, b: 1 }],
    ['a list and an object', { a: [1] }, { a: { 0: 1 } }],
    ['where one text ends', { a: 'x","b":"y' }, { a: 'x', b: 'y' }],
  ])('tells %s apart', (_what, one, other) => {
    expect(bodyHash(one)).not.toBe(bodyHash(other));
  });

  it('does not see what JSON does not carry', () => {
    expect(bodyHash({ a: 1, b: undefined })).toBe(bodyHash({ a: 1 }));
    expect(bodyHash({ at: new Date(0) })).toBe(bodyHash({ at: '1970-01-01T00:00:00.000Z' }));
  });

  it('sees a key named __proto__', () => {
    expect(bodyHash(JSON.parse('{"__proto__":{"a":1}}'))).not.toBe(bodyHash({}));
  });
});
