import { Binary, BSONRegExp, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { EMPTY_ARRAY, compareValues, hashKey, valuesEqual } from './index.js';

const id = (last: string): ObjectId => new ObjectId(`00000000000000000000000${last}`);

/** Each is below the next. */
const ASCENDING: readonly unknown[] = [
  new MinKey(),
  EMPTY_ARRAY,
  null,
  NaN,
  -Infinity,
  Decimal128.fromString('-1E+300'),
  Long.MIN_VALUE,
  -1,
  0,
  Decimal128.fromString('0.1'),
  0.1,
  1,
  1.5,
  9007199254740992,
  Long.fromString('9007199254740993'),
  Long.MAX_VALUE,
  2 ** 63,
  Decimal128.fromString('1E+300'),
  Infinity,
  '',
  'B',
  'a',
  'ab',
  'é',
  '\uFFFD',
  '\u{1F600}',
  {},
  { b: 1 },
  { a: 'x' },
  { a: 'x', b: 1 },
  { b: 'x' },
  { a: {} },
  [],
  [1],
  [1, 2],
  ['a'],
  new Binary(Buffer.from('z')),
  new Binary(Buffer.from('ab')),
  new Binary(Buffer.from('ab'), 128),
  id('1'),
  id('2'),
  false,
  true,
  new Date(-1),
  new Date(0),
  new Timestamp({ t: 1, i: 2 }),
  new Timestamp({ t: 2, i: 1 }),
  new BSONRegExp('a', 'i'),
  new BSONRegExp('b', ''),
  new MaxKey(),
];

const SAME: readonly (readonly [unknown, unknown])[] = [
  [undefined, null],
  [1, Long.fromNumber(1)],
  [1, new Double(1)],
  [1, Decimal128.fromString('1.00')],
  [0, -0],
  [NaN, Decimal128.fromString('NaN')],
  [Infinity, Decimal128.fromString('Infinity')],
  [0.5, Decimal128.fromString('0.5')],
  [2 ** 60, Long.fromBigInt(2n ** 60n)],
  [1e22, Decimal128.fromString('1E22')],
  [{ a: [1, { b: 2 }] }, { a: [Long.ONE, { b: new Double(2) }] }],
  [new Date(5), new Date(5)],
  [new BSONRegExp('a', 'i'), /a/i],
];

describe('compareValues', () => {
  it('orders all types as MongoDB does', () => {
    const shuffled = ASCENDING.map((_, i) => ASCENDING[(i * 17) % ASCENDING.length]);
    expect(shuffled.sort(compareValues)).toEqual(ASCENDING);
    ASCENDING.slice(1).forEach((value, i) => {
      expect([Math.sign(compareValues(ASCENDING[i], value)), Math.sign(compareValues(value, ASCENDING[i]))]).toEqual([
        -1, 1,
      ]);
    });
  });

  it.each(SAME)('takes %p and %p for the same', (a, b) => {
    expect([compareValues(a, b), valuesEqual(a, b), hashKey(a) === hashKey(b)]).toEqual([0, true, true]);
  });

  it('tells documents apart by the order and the names of their fields', () => {
    expect(valuesEqual({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false);
    expect(hashKey({ a: 1, b: 2 })).not.toBe(hashKey({ b: 2, a: 1 }));
  });

  it('takes a stored _bsontype for a field, not for a type', () => {
    expect(compareValues({ _bsontype: 'Long' }, 1)).toBeGreaterThan(0);
    expect(valuesEqual({ _bsontype: 'MaxKey' }, { _bsontype: 'MaxKey' })).toBe(true);
  });
});

describe('hashKey', () => {
  it('differs where the values differ', () => {
    expect(new Set(ASCENDING.map(hashKey)).size).toBe(ASCENDING.length);
  });
});
