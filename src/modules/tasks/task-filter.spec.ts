import { conditionsOf, merged, wordConditions, type TaskFilter } from './task-filter.js';

const early = new Date('2026-01-01T00:00:00Z');
const late = new Date('2026-02-01T00:00:00Z');
const conditions = (filter: Partial<TaskFilter>) => conditionsOf({ trashed: false, ...filter });

describe('conditionsOf', () => {
  const cases: [filter: Partial<TaskFilter>, expected: object][] = [
    [{}, { place: { $eq: 'live' } }],
    [{ trashed: true }, { place: { $eq: 'trash' } }],
    [{ statuses: ['done'] }, { place: { $eq: 'live' }, status: { $eq: 'done' } }],
    [{ priorities: ['low', 'urgent'] }, { place: { $eq: 'live' }, priority: { $in: [0, 3] } }],
    [{ tags: ['a', 'b'] }, { place: { $eq: 'live' }, tags: { $in: ['a', 'b'] } }],
    [{ dueAfter: early }, { place: { $eq: 'live' }, dated: { $eq: true }, dueAt: { $gte: early } }],
    [
      { dueAfter: early, dueBefore: late },
      { place: { $eq: 'live' }, dated: { $eq: true }, dueAt: { $gte: early, $lt: late } },
    ],
  ];
  it.each(cases)('%j', (filter, expected) => expect(conditions(filter)).toEqual(expected));

  it('overdue is open and due before then, and narrows what else was asked for', () => {
    expect(conditions({ overdueAt: late })).toMatchObject({
      status: { $in: ['todo', 'in_progress'] },
      dueAt: { $lt: late },
    });
    expect(conditions({ overdueAt: late, statuses: ['done', 'todo'] })).toMatchObject({ status: { $eq: 'todo' } });
    expect(conditions({ overdueAt: late, statuses: ['done'] })).toMatchObject({ status: { $in: [] } });
    expect(conditions({ overdueAt: late, dueBefore: early })).toMatchObject({ dueAt: { $lt: early } });
    expect(conditions({ overdueAt: early, dueBefore: late })).toMatchObject({ dueAt: { $lt: early } });
  });
});

describe('merged', () => {
  it('keeps both conditions of a field, the narrower one where they are of a kind', () => {
    const filter = { dueAt: { $gte: early, $lt: late }, place: { $eq: 'live' } };
    expect(merged(filter, { dueAt: { $lt: early }, _id: { $lt: 'x' } })).toEqual({
      dueAt: { $gte: early, $lt: early },
      place: { $eq: 'live' },
      _id: { $lt: 'x' },
    });
  });
});

describe('wordConditions', () => {
  it('each word begins a term; no words are no condition', () => {
    expect(wordConditions(['milk', '3'])).toEqual({ $and: [{ terms: /^milk/ }, { terms: /^3/ }] });
    expect(wordConditions([])).toEqual({});
    expect(wordConditions()).toEqual({});
  });
});
