import { type Engine } from './mongo.engine.js';

const utc = (iso: string) => new Date(iso);
const local = (timezone: string) => ({ $dateToString: { date: '$at', format: '%Y-%m-%d', timezone } });
const days = (...isos: string[]) => isos.map((iso) => ({ at: utc(iso) }));

/** Fields `a`, `b`, `at` of one document each, the expression, its value document by document. */
const expressions: [promise: string, documents: object[], expression: unknown, expected: unknown[]][] = [
  [
    'a day ends by the clock of its zone, before and after summer time begins',
    days('2026-03-28T22:59:59Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59Z', '2026-03-29T22:00:00Z'),
    local('Europe/Berlin'),
    ['2026-03-28', '2026-03-29', '2026-03-29', '2026-03-30'],
  ],
  [
    'the same when summer time ends',
    days('2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z', '2026-10-25T23:00:00Z'),
    local('Europe/Berlin'),
    ['2026-10-24', '2026-10-25', '2026-10-25', '2026-10-26'],
  ],
  [
    'zones west of Greenwich and offsets',
    days('2026-01-01T04:59:59Z', '2026-01-01T05:00:00Z'),
    { $concat: [local('America/New_York'), '|', local('+05:30')] },
    ['2025-12-31|2026-01-01', '2026-01-01|2026-01-01'],
  ],
  [
    'no zone is UTC',
    days('1969-12-31T23:59:59.999Z', '2026-01-01T00:00:00Z'),
    { $dateToString: { date: '$at', format: '%Y-%m-%d' } },
    ['1969-12-31', '2026-01-01'],
  ],
  ['a missing date is null', [{}, { at: null }], local('Europe/Berlin'), [null, null]],
  [
    '$ifNull takes the first that is neither null nor missing',
    [{ a: 1, b: 2 }, { a: null, b: 2 }, {}],
    { $ifNull: ['$a', '$b', 0] },
    [1, 2, 0],
  ],
  ['$in looks for a value in an array', [{ a: 1 }, { a: 5 }], { $in: ['$a', [1, 2]] }, [true, false]],
  [
    'comparisons go across types',
    [
      { a: 1, b: 2 },
      { a: 'x', b: 9 },
      { a: 3, b: 3 },
    ],
    { $cmp: ['$a', '$b'] },
    [-1, 1, 0],
  ],
  [
    'a missing field is not null, and below it',
    [{}, { a: null }, { a: 1 }],
    [{ $eq: ['$a', null] }, { $lt: ['$a', null] }, { $gt: ['$a', null] }],
    [
      [false, true, false],
      [true, false, false],
      [false, false, true],
    ],
  ],
  [
    'dates are compared and subtracted',
    [{ a: utc('2026-01-02T00:00:00Z'), b: utc('2026-01-01T00:00:00Z') }],
    [{ $gte: ['$a', '$b'] }, { $subtract: ['$a', '$b'] }],
    [[true, 86_400_000]],
  ],
  [
    '$and, $or and $not',
    [{ a: 1, b: 0 }, { a: 1, b: 1 }, {}],
    [{ $and: ['$a', '$b'] }, { $or: ['$a', '$b'] }, { $not: ['$a'] }],
    [
      [false, true, false],
      [true, true, false],
      [false, false, true],
    ],
  ],
  [
    '$switch takes the first branch that holds',
    [{ a: 1 }, { a: 5 }, { a: 9 }],
    {
      $switch: {
        branches: [
          { case: { $lt: ['$a', 3] }, then: 'low' },
          { case: { $lt: ['$a', 7] }, then: 'mid' },
        ],
        default: 'high',
      },
    },
    ['low', 'mid', 'high'],
  ],
  ['arithmetic with null is null', [{ a: 1 }, { a: 1, b: 2 }], { $add: ['$a', '$b'] }, [null, 3]],
  ['a path through an array is an array', [{ a: [{ x: 1 }, { y: 2 }, { x: 3 }] }], '$a.x', [[1, 3]]],
  [
    '$size, $filter and $map',
    [{ a: [1, 2, 3] }],
    [
      { $size: '$a' },
      { $filter: { input: '$a', cond: { $gt: ['$$this', 1] } } },
      { $map: { input: '$a', as: 'n', in: { $multiply: ['$$n', 2] } } },
    ],
    [[3, [2, 3], [2, 4, 6]]],
  ],
  ['$literal keeps a dollar', [{}], { $literal: '$a' }, ['$a']],
];

export function expressionContract(engine: Engine): void {
  describe('aggregate: expressions', () => {
    it.each(expressions)('%s', async (_promise, documents, expression, expected) => {
      const rows = await engine.rows(...documents);
      const answer = await rows.aggregate([{ $sort: { _id: 1 } }, { $project: { value: expression } }]);
      expect(answer.map(({ value }) => value)).toEqual(expected);
    });
  });
}
