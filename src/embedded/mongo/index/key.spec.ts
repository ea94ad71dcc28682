import { Binary, BSONRegExp, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { EMPTY_ARRAY, compareValues } from '../language/index.js';
import { complement, encodeValue, stringPrefix, tryEncode } from './key.js';

const id = (hex: string): ObjectId => new ObjectId(hex.padEnd(24, '0'));

const values: unknown[] = [
  new MinKey(),
  EMPTY_ARRAY,
  null,
  ...[
    NaN,
    -Infinity,
    -1e300,
    -(2 ** 60),
    -1.5,
    -1,
    -0,
    0,
    5e-324,
    0.1,
    1,
    1.5,
    255,
    256,
    2 ** 53,
    2 ** 63,
    1e300,
    Infinity,
  ],
  ...[
    '9007199254740993',
    '9007199254740992',
    '-9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    '7',
  ].map((text) => Long.fromString(text)),
  ...[
    '',
    'a',
    'ab',
    'a\0',
    'a\0b',
    'a\x01',
    'a\x02',
    'b',
    'Z',
    'é',
    'ß',
    '\u007f',
    '\u0080',
    '\uffff',
    '\u{1f600}',
    'a b',
  ],
  ...[{}, { a: 1 }, { a: 1, b: 1 }, { a: 'x' }, { b: 0 }, { a: { b: null } }, { aa: 1 }, { 'a\u00e9': 1 }],
  ...[[], [1], [1, 2], ['a'], [[1]], [null], [{ a: 1 }]],
  ...[
    new Binary(Buffer.from('b')),
    new Binary(Buffer.from('a')),
    new Binary(Buffer.from('aa')),
    new Binary(Buffer.from('a'), 4),
  ],
  ...[id('01'), id('02'), id('ff')],
  false,
  true,
  ...[new Date(-1), new Date(0), new Date(1.7e12)],
  ...[new Timestamp({ t: 1, i: 2 }), new Timestamp({ t: 2, i: 0 })],
  ...[new BSONRegExp('a'), new BSONRegExp('a', 'i'), new BSONRegExp('b')],
  new MaxKey(),
];

const sign = (n: number): number => Math.sign(n);
const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe('encodeValue', () => {
  it('orders every pair of values as MongoDB does', () => {
    for (const a of values) {
      for (const b of values) {
        const keys = compareKeys(encodeValue(a), encodeValue(b));
        expect([a, b, keys]).toEqual([a, b, sign(compareValues(a, b))]);
      }
    }
  });

  it('orders the complements the other way round, also with another field behind them', () => {
    for (const a of values) {
      for (const b of values) {
        const order = sign(compareValues(b, a));
        const behind = [encodeValue('x'), encodeValue(null)];
        const keys = compareKeys(
          complement(encodeValue(a)) + behind[0],
          complement(encodeValue(b)) + behind[order < 0 ? 0 : 1],
        );
        if (order !== 0) expect([a, b, keys]).toEqual([a, b, order]);
      }
    }
  });

  it('gives equal numbers of different types one key, and integers that no double holds keys of their own', () => {
    expect(encodeValue(Long.fromNumber(7))).toBe(encodeValue(7));
    expect(encodeValue(-0)).toBe(encodeValue(0));
    expect(encodeValue(Long.fromString('9007199254740993'))).not.toBe(encodeValue(2 ** 53));
  });

  it('is never the beginning of another encoding, so that compound keys are concatenations', () => {
    const keys = [...new Set(values.map(encodeValue))];
    for (const a of keys) for (const b of keys) if (a !== b) expect(b.startsWith(a)).toBe(false);
  });

  it('has no key for what it cannot order', () => {
    expect(tryEncode({ _bsontype: 'Decimal128', __proto__: { _bsontype: 'Decimal128' } })).toBeDefined();
    expect(tryEncode(Object.create({ _bsontype: 'Decimal128' }))).toBeUndefined();
  });

  it('starts the key of each string that has the prefix', () => {
    for (const text of ['', 'a', 'a\0', 'é', '\u{1f600}']) {
      expect(encodeValue(`${text}b`).startsWith(stringPrefix(text))).toBe(true);
      expect(encodeValue(`x${text}b`).startsWith(stringPrefix(text))).toBe(text === '');
    }
  });
});
