import mongoose, { type AccumulatorOperator, type Model } from 'mongoose';
import type { TaskRow } from './models.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const OPEN = ['todo', 'in_progress'];
const PRIORITIES = ['low', 'medium', 'high', 'urgent'];

interface Group {
  readonly _id: { readonly status: string; readonly priority: number };
  readonly total: number;
  readonly overdue: number;
  readonly dueToday: number;
  readonly completed: number;
}

/** The numbers of `GET /tasks/stats`, by one `$group`, for somebody in UTC. */
export async function statsOf(tasks: Pick<Model<TaskRow>, 'aggregate'>, userId: string): Promise<object> {
  const now = new Date();
  const dayStart = new Date(now.toISOString().slice(0, 10));
  const isOpen = { $in: ['$status', OPEN] };
  const count = (...conditions: object[]): AccumulatorOperator => ({ $sum: { $cond: [{ $and: conditions }, 1, 0] } });
  const groups = await tasks.aggregate<Group>([
    { $match: { owner: new mongoose.Types.ObjectId(userId), place: 'live' } },
    {
      $group: {
        _id: { status: '$status', priority: '$priority' },
        total: { $sum: 1 },
        overdue: count(isOpen, { $lt: ['$dueAt', now] }),
        dueToday: count(isOpen, { $gte: ['$dueAt', dayStart] }, { $lt: ['$dueAt', new Date(+dayStart + DAY_MS)] }),
        completed: count({ $eq: ['$status', 'done'] }, { $gte: ['$completedAt', new Date(+now - 7 * DAY_MS)] }),
      },
    },
  ]);
  const sum = (of: (group: Group) => number, among = groups): number => among.reduce((all, one) => all + of(one), 0);
  const where = (test: (group: Group) => boolean): number => sum(({ total }) => total, groups.filter(test));
  const byStatus = Object.fromEntries(
    ['todo', 'in_progress', 'done', 'cancelled'].map((status) => [status, where(({ _id }) => _id.status === status)]),
  );
  const total = sum((group) => group.total);
  const counted = total - byStatus['cancelled']!;
  return {
    total,
    byStatus,
    byPriority: Object.fromEntries(PRIORITIES.map((name, n) => [name, where(({ _id }) => _id.priority === n)])),
    overdue: sum(({ overdue }) => overdue),
    dueToday: sum(({ dueToday }) => dueToday),
    completedLast7Days: sum(({ completed }) => completed),
    completionRate: counted === 0 ? 0 : byStatus['done']! / counted,
  };
}
