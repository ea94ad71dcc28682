import { Decimal128, Double, Long, ObjectId } from 'bson';
import { type Doc, runPipeline } from './index.js';

const now = new Date('2026-11-21T12:00:00Z');
const date = new Date('2026-03-29T00:30:05.678Z');
const doc: Doc = {
  _id: 1,
  n: 3,
  l: Long.fromNumber(4),
  t: [1, 2, 3],
  o: [{ p: 1 }, {}, { p: 2 }, 5],
  s: 'Héllo',
  z: null,
  d: date,
};

const evaluate = (expression: unknown): unknown => {
  const context = { now, collection: () => [] };
  return runPipeline([doc], [{ $project: { _id: 0, r: expression } }], context)[0]?.['r'];
};

describe('expressions', () => {
  it.each<[unknown, unknown]>([
    ['$n', 3],
    ['$nope', undefined],
    ['$o.p', [1, 2]],
    ['$t.0', []],
    ['$constructor', undefined],
    ['$$ROOT.n', 3],
    ['$$NOW', now],
    ['$$REMOVE', undefined],
    [{ $literal: '$n' }, '$n'],
    [{ a: '$n', b: '$nope' }, { a: 3 }],
    [
      ['$n', '$nope'],
      [3, null],
    ],
    [{ $eq: ['$nope', null] }, false],
    [{ $lt: ['$nope', null] }, true],
    [{ $eq: ['$l', 4] }, true],
    [{ $gt: ['$s', 5] }, true],
    [{ $cmp: [1, 2] }, -1],
    [{ $and: ['$n', { $ne: ['$n', 4] }] }, true],
    [{ $or: ['$nope', 0, '$z'] }, false],
    [{ $not: ['$z'] }, true],
    [{ $cond: [{ $gte: ['$n', 3] }, 'yes', 'no'] }, 'yes'],
    [{ $cond: { if: '$z', then: 1, else: '$nope' } }, undefined],
    [{ $ifNull: ['$z', '$nope', 7] }, 7],
    [{ $switch: { branches: [{ case: { $eq: ['$n', 3] }, then: 'three' }], default: 'd' } }, 'three'],
    [{ $let: { vars: { x: '$n' }, in: { $add: ['$$x', 1] } } }, 4],
    [{ $in: [Long.fromNumber(2), '$t'] }, true],
    [{ $in: [4, '$t'] }, false],
  ])('%j is %j', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [{ $add: ['$n', 1] }, 4],
    [{ $add: ['$n', '$l'] }, Long.fromNumber(7)],
    [{ $add: [2147483647, 1] }, Long.fromNumber(2147483648)],
    [{ $add: [1.5, 1.5] }, new Double(3)],
    [{ $add: ['$n', '$z'] }, null],
    [{ $add: ['$d', 1000] }, new Date(date.getTime() + 1000)],
    [{ $subtract: ['$d', date] }, Long.ZERO],
    [{ $subtract: ['$n', 5] }, -2],
    [{ $subtract: ['$d', 1000] }, new Date(date.getTime() - 1000)],
    [{ $multiply: ['$n', Decimal128.fromString('1.5')] }, Decimal128.fromString('4.5')],
    [{ $divide: [6, 2] }, new Double(3)],
    [{ $mod: [-5, 3] }, -2],
    [{ $abs: -5 }, 5],
    [{ $round: [2.5] }, new Double(2)],
    [{ $round: [3.14159, 2] }, 3.14],
    [{ $floor: -1.5 }, new Double(-2)],
    [{ $ceil: 7 }, 7],
    [{ $trunc: [1234, -2] }, 1200],
    [{ $sum: '$t' }, 6],
    [{ $sum: ['$n', 'x', '$l'] }, Long.fromNumber(7)],
    [{ $avg: '$t' }, new Double(2)],
    [{ $min: [3, 'a', '$z'] }, 3],
    [{ $max: '$t' }, 3],
    [{ $toInt: '12' }, 12],
    [{ $toLong: 5 }, Long.fromNumber(5)],
    [{ $toDouble: '$l' }, new Double(4)],
    [{ $toString: '$l' }, '4'],
    [{ $toBool: 0 }, false],
    [{ $toDate: '2026-01-01' }, new Date('2026-01-01')],
    [{ $toObjectId: '5f5f5f5f5f5f5f5f5f5f5f5f' }, new ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f')],
    [{ $type: '$nope' }, 'missing'],
    [{ $isNumber: '$l' }, true],
  ])('%j calculates %j', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [{ $size: '$t' }, 3],
    [{ $arrayElemAt: ['$t', -1] }, 3],
    [{ $arrayElemAt: ['$t', 9] }, undefined],
    [{ $first: '$t' }, 1],
    [{ $slice: ['$t', -2] }, [2, 3]],
    [{ $slice: ['$t', 1, 1] }, [2]],
    [{ $concatArrays: ['$t', [4]] }, [1, 2, 3, 4]],
    [{ $filter: { input: '$t', as: 'x', cond: { $gt: ['$$x', 1] } } }, [2, 3]],
    [{ $map: { input: '$t', in: { $add: ['$$this', '$n'] } } }, [4, 5, 6]],
    [{ $reduce: { input: '$t', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 6],
    [{ $setUnion: ['$t', [4, 1]] }, [1, 2, 3, 4]],
    [{ $setDifference: ['$t', [Long.ONE]] }, [2, 3]],
    [{ $setIntersection: ['$t', [3, 1]] }, [1, 3]],
    [{ $mergeObjects: [{ a: 1 }, '$z', { b: 2 }] }, { a: 1, b: 2 }],
    [{ $concat: ['$s', '!'] }, 'Héllo!'],
    [{ $concat: ['$s', '$z'] }, null],
    [{ $toUpper: 'é a' }, 'é A'],
    [{ $strLenCP: '\u{1F600}é' }, 2],
    [{ $substrCP: ['$s', 1, 3] }, 'éll'],
    [{ $split: ['a,b', ','] }, ['a', 'b']],
    [{ $trim: { input: ' x ' } }, 'x'],
    [{ $regexMatch: { input: '$s', regex: '^h', options: 'i' } }, true],
  ])('%j gives %j', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [{ $dateToString: { date: '$d', format: '%Y-%m-%d' } }, '2026-03-29'],
    [
      { $dateToString: { date: '$d', format: '%Y-%m-%d %H:%M:%S.%L %z', timezone: 'Europe/Berlin' } },
      '2026-03-29 01:30:05.678 +0100',
    ],
    [
      { $dateToString: { date: new Date('2026-03-29T01:30:00Z'), format: '%H:%M', timezone: 'Europe/Berlin' } },
      '03:30',
    ],
    [{ $dateToString: { date: '$d', format: '%Y-%m-%d', timezone: 'America/Argentina/Buenos_Aires' } }, '2026-03-28'],
    [{ $dateToString: { date: '$d', format: '%H:%M', timezone: '+05:45' } }, '06:15'],
    [{ $dateToString: { date: '$d', format: '%H', timezone: '-03' } }, '21'],
    [{ $dateToString: { date: '$d' } }, '2026-03-29T00:30:05.678Z'],
    [{ $dateToString: { date: '$nope', onNull: 'none' } }, 'none'],
    [{ $dateToString: { date: '$z' } }, null],
    [{ $dateToString: { date: new Date('2027-01-01'), format: '%j %U %V %G %u %w %%' } }, '001 00 53 2026 5 6 %'],
    [{ $year: '$d' }, 2026],
    [{ $month: { date: new Date('2026-12-31T23:30:00Z'), timezone: 'Asia/Tokyo' } }, 1],
    [{ $dayOfMonth: { date: '$d', timezone: 'UTC' } }, 29],
    [{ $hour: { date: '$d', timezone: 'Asia/Kolkata' } }, 6],
    [{ $dayOfWeek: '$d' }, 1],
  ])('%j reads %j', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  it.each<[unknown, number, string]>([
    [{ $foo: 1 }, 168, "Unrecognized expression '$foo'"],
    [{ $dateTrunc: { date: '$d', unit: 'day' } }, 168, "Unrecognized expression '$dateTrunc'"],
    ['$$nope', 17276, 'Use of undefined variable: nope'],
    [{ $eq: [1] }, 16020, 'Expression $eq takes exactly 2 arguments. 1 were passed in.'],
    [{ $add: ['x', 1] }, 14, '$add only supports numeric or date types, not string'],
    [{ $divide: [1, 0] }, 2, "can't $divide by zero"],
    [{ $size: '$n' }, 17124, 'The argument to $size must be an array, but was of type: int'],
    [{ $in: [1, '$n'] }, 40081, '$in requires an array as a second argument, found: int'],
    [{ $concat: ['a', 1] }, 16702, '$concat only supports strings, not int'],
    [{ $cond: { if: 1, then: 2 } }, 17082, "Missing 'else' parameter to $cond"],
    [{ $switch: { branches: [{ case: false, then: 1 }] } }, 40066, '$switch could not find a matching branch'],
    [{ $toInt: 'x' }, 241, "Failed to parse 'x' as int"],
    [{ $dateToString: { date: '$d', format: '%q' } }, 18536, "Invalid format character '%q' in format string"],
    [{ $dateToString: { date: '$d', timezone: 'No/Where' } }, 40485, 'unrecognized time zone identifier: "No/Where"'],
    [{ $dateToString: { date: 'x' } }, 16006, "can't convert from BSON type string to Date"],
  ])('%j is fault %i', (expression, code, message) => {
    expect(() => evaluate(expression)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
