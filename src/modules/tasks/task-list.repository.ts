import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import type { Task } from './task.js';
import { conditionsOf, isDatedOnly, merged, wordConditions, type TaskFilter } from './task-filter.js';
import { segmentsAfter, type TaskOrder, type TaskPosition } from './task-order.js';
import { OPEN_STATUSES } from './task.js';
import { TASK_FIELDS, toTask, type TaskRow } from './stored-task.js';
import { TASK_MODEL, type TaskDocument } from './task.schema.js';

/** Lists of tasks: pages by key, never by count, and the best matches of a search. */
@Injectable()
export class TaskListRepository {
  constructor(@InjectModel(TASK_MODEL) private readonly model: Model<TaskDocument>) {}

  /** Up to `limit` tasks behind a position. */
  async page(
    owner: string,
    filter: TaskFilter,
    order: TaskOrder,
    limit: number,
    after?: TaskPosition,
  ): Promise<Task[]> {
    const conditions = conditionsOf(filter);
    const found: TaskRow[] = [];
    for (const { where, sort } of segmentsAfter(order, after, isDatedOnly(filter))) {
      const query = { owner, ...merged(conditions, where), ...wordConditions(filter.words) };
      const rows = await this.model
        .find(query, TASK_FIELDS)
        .sort(sort)
        .limit(limit - found.length)
        .lean<TaskRow[]>();
      found.push(...rows);
      if (found.length === limit) break;
    }
    return found.map(toTask);
  }

  /**
   * The best matches: by the score of the whole words among those asked for, then the newest of those that only have
   * words which begin so. Which tasks match, `terms` decides alone.
   */
  async best(owner: string, filter: TaskFilter, limit: number): Promise<Task[]> {
    const query = { owner, ...conditionsOf(filter), ...wordConditions(filter.words) };
    const score = { $meta: 'textScore' } as const;
    const scored = await this.model
      .find({ ...query, $text: { $search: (filter.words ?? []).join(' ') } }, { ...TASK_FIELDS, score })
      .sort({ score, _id: -1 })
      .limit(limit)
      .lean<TaskRow[]>();
    if (scored.length === limit) return scored.map(toTask);
    const rest = await this.model
      .find({ ...query, _id: { $nin: scored.map(({ _id }) => _id) } }, TASK_FIELDS)
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit - scored.length)
      .lean<TaskRow[]>();
    return [...scored, ...rest].map(toTask);
  }

  /** When the next open task becomes due, from this instant on. */
  async nextDue(owner: string, from: Date): Promise<Date | undefined> {
    const open = {
      owner,
      place: 'live' as const,
      dated: true,
      dueAt: { $gte: from },
      status: { $in: [...OPEN_STATUSES] },
    };
    const next = await this.model.findOne(open, { dueAt: 1 }).sort({ dueAt: 1, _id: 1 }).lean<{ dueAt: Date }>();
    return next?.dueAt;
  }
}
