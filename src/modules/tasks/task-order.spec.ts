import { createTask, DEFAULT_CONTENT } from './task.js';
import { nearRange, positionOf, segmentsAfter } from './task-order.js';
import { UNDATED } from './task.schema.js';

const at = new Date('2026-01-01T00:00:00Z');
const content = { ...DEFAULT_CONTENT, title: 'Ärger', priority: 'high' } as const;
const { task } = createTask('65', 'ada', content, at);

describe('segmentsAfter', () => {
  it('is one range when nothing comes before', () => {
    expect(segmentsAfter({ key: 'createdAt', direction: -1 }, undefined, false)).toEqual([
      { where: {}, sort: { createdAt: -1, _id: -1 } },
    ]);
  });

  it('takes "behind these values" apart into tight ranges, the nearest first', () => {
    const order = { key: 'priority', direction: -1 } as const;
    const sort = { priority: -1, createdAt: -1, _id: -1 };
    expect(segmentsAfter(order, positionOf(order, task), false)).toEqual([
      { where: { priority: { $eq: 2 }, createdAt: { $eq: +at }, _id: { $lt: '65' } }, sort },
      { where: { priority: { $eq: 2 }, createdAt: { $lt: +at } }, sort },
      { where: { priority: { $lt: 2 } }, sort },
    ]);
  });

  it('orders titles by their folded form', () => {
    const order = { key: 'title', direction: 1 } as const;
    expect(positionOf(order, task)).toEqual({ phase: 0, values: ['arger', '65'] });
  });

  it.each([1, -1] as const)('has undated tasks behind dated ones, whatever the direction (%i)', (direction) => {
    const order = { key: 'dueAt', direction } as const;
    const beyond = direction === 1 ? '$gt' : '$lt';
    const undated = { dated: { $eq: false }, dueAt: { $eq: UNDATED } };
    const dated = { ...task, dueAt: at };
    expect(segmentsAfter(order, undefined, false).map(({ where }) => where)).toEqual([
      { dated: { $eq: true } },
      undated,
    ]);
    expect(segmentsAfter(order, positionOf(order, dated), false).map(({ where }) => where)).toEqual([
      { dated: { $eq: true }, dueAt: { $eq: +at }, _id: { [beyond]: '65' } },
      { dated: { $eq: true }, dueAt: { [beyond]: +at } },
      undated,
    ]);
    expect(segmentsAfter(order, positionOf(order, task), false)).toEqual([
      { where: { ...undated, _id: { [beyond]: '65' } }, sort: { _id: direction } },
    ]);
  });

  it('leaves undated tasks out where only dated ones can match', () => {
    const order = { key: 'dueAt', direction: 1 } as const;
    expect(segmentsAfter(order, undefined, true)).toHaveLength(1);
  });
});

describe('nearRange', () => {
  const order = { key: 'priority', direction: -1 } as const;

  it('is the first two of those ranges in one, and knows what in it is not behind the position', () => {
    const near = nearRange(order, positionOf(order, task))!;
    expect(near).toMatchObject({
      where: { priority: { $eq: 2 }, createdAt: { $lte: +at } },
      sort: { priority: -1, createdAt: -1, _id: -1 },
    });
    const older = { ...task, createdAt: new Date(+at - 1) };
    const found = [{ ...task, id: '66' }, task, { ...task, id: '64' }, { ...older, id: '99' }];
    expect(found.map(near.isBehind)).toEqual([false, false, true, true]);
  });

  it('is none where `_id` alone makes the order', () => {
    const byDue = { key: 'dueAt', direction: 1 } as const;
    expect(nearRange(byDue, positionOf(byDue, task))).toBeUndefined();
  });
});
