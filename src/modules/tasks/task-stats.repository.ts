import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import mongoose, { type Model, type PipelineStage } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { OPEN_STATUSES, PRIORITIES, type Priority, type Status } from './task.js';
import { TASK_MODEL, UNDATED, type TaskDocument } from './task.schema.js';

/** The counts of live tasks that have this status and priority. */
export interface TaskCount {
  readonly status: Status;
  readonly priority: Priority;
  readonly total: number;
  readonly overdue: number;
}

export interface OwnTaskCount extends TaskCount {
  readonly dueToday: number;
  readonly completedRecently: number;
  /** The next due date of these if they are open, from `now` on; far in the future when there is none. */
  readonly nextDue: Date;
  /** Of those completed since `completedSince`; far in the future when there is none. */
  readonly firstCompleted: Date;
}

/** The instants that stats compare with. */
export interface StatsInstants {
  readonly now: Date;
  readonly dayStart: Date;
  readonly dayEnd: Date;
  readonly completedSince: Date;
}

type Row<T extends TaskCount> = Omit<T, 'status' | 'priority'> & { _id: { status: Status; priority: number } };

/** Numbers of tasks, by one aggregation each. */
@Injectable()
export class TaskStatsRepository {
  constructor(
    @InjectModel(TASK_MODEL) private readonly model: Model<TaskDocument>,
    private readonly config: AppConfig,
  ) {}

  /** At most one count for each pair of status and priority. */
  async ownCounts(owner: string, instants: StatsInstants): Promise<OwnTaskCount[]> {
    const { now, dayStart, dayEnd, completedSince } = instants;
    const isDueLater = both(isOpen, { $gte: ['$dueAt', now] });
    const isCompletedRecently = both({ $eq: ['$status', 'done'] }, { $gte: ['$completedAt', completedSince] });
    const rows = await this.model.aggregate<Row<OwnTaskCount>>([
      { $match: { owner: new mongoose.Types.ObjectId(owner), place: 'live' } },
      {
        $group: {
          ...byStatusAndPriority(now),
          dueToday: count(both(isOpen, { $gte: ['$dueAt', dayStart] }, { $lt: ['$dueAt', dayEnd] })),
          completedRecently: count(isCompletedRecently),
          nextDue: { $min: { $cond: [isDueLater, '$dueAt', UNDATED] } },
          firstCompleted: { $min: { $cond: [isCompletedRecently, '$completedAt', UNDATED] } },
        },
      },
    ]);
    return rows.map(toCount);
  }

  /** Of everybody. All it reads lies in one index. */
  async allCounts(now: Date): Promise<TaskCount[]> {
    const rows = await this.model
      .aggregate<Row<TaskCount>>([{ $match: { place: 'live' } }, { $group: byStatusAndPriority(now) }])
      .read(this.config.mongo.readPreference);
    return rows.map(toCount);
  }

  /** Of everybody: how many live tasks were created on each day of UTC (`2026-03-01`); days without are absent. */
  async createdPerDay(since: Date): Promise<ReadonlyMap<string, number>> {
    const day = { $dateToString: { date: '$createdAt', format: '%Y-%m-%d' } };
    const rows = await this.model
      .aggregate<{ _id: string; count: number }>([
        { $match: { place: 'live', createdAt: { $gte: since } } },
        { $group: { _id: day, count: { $sum: 1 } } },
      ])
      .read(this.config.mongo.readPreference);
    return new Map(rows.map(({ _id, count: created }) => [_id, created]));
  }
}

type Expression = Record<string, unknown>;

const isOpen: Expression = { $in: ['$status', OPEN_STATUSES] };
const both = (...conditions: Expression[]): Expression => ({ $and: conditions });
const count = (condition: Expression): { $sum: Expression } => ({ $sum: { $cond: [condition, 1, 0] } });

// Dates are parts of the pipeline: `$$NOW` is the server's clock, and not every engine knows it in a group.
const byStatusAndPriority = (now: Date): PipelineStage.Group['$group'] => ({
  _id: { status: '$status', priority: '$priority' },
  total: { $sum: 1 },
  overdue: count(both(isOpen, { $lt: ['$dueAt', now] })),
});

const toCount = <T extends TaskCount>({ _id, ...counts }: Row<T>): T =>
  ({ status: _id.status, priority: PRIORITIES[_id.priority]!, ...counts }) as unknown as T;
