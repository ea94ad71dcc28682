import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import mongoose, { type Model } from 'mongoose';
import { readOptions } from '../../core/mongo/driver-options.js';
import type { Task } from './task.js';
import { conditionsOf, isDatedOnly, merged, wordConditions, type TaskFilter } from './task-filter.js';
import { nearRange, segmentsAfter, type Segment, type TaskOrder, type TaskPosition } from './task-order.js';
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
    const segments = segmentsAfter(order, after, isDatedOnly(filter));
    const near = after && nearRange(order, after);
    if (!near) return this.inRanges(owner, filter, segments, limit);
    const begun = await this.inRange(owner, filter, near, limit + 1);
    const found = begun.filter(near.isBehind);
    if (found.length >= limit) return found.slice(0, limit);
    // More ties with the position than the page is long: only the tight ranges find the way.
    if (begun.length > limit) return this.inRanges(owner, filter, segments, limit);
    return [...found, ...(await this.inRanges(owner, filter, segments.slice(2), limit - found.length))];
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

  private async inRanges(
    owner: string,
    filter: TaskFilter,
    segments: readonly Segment[],
    limit: number,
  ): Promise<Task[]> {
    const found: Task[] = [];
    for (const segment of segments) {
      found.push(...(await this.inRange(owner, filter, segment, limit - found.length)));
      if (found.length === limit) break;
    }
    return found;
  }

  /** By the driver: what Mongoose does to each query costs as much as reading ten tasks. */
  private async inRange(owner: string, filter: TaskFilter, { where, sort }: Segment, limit: number): Promise<Task[]> {
    const query = {
      owner: new mongoose.Types.ObjectId(owner),
      ...merged(conditionsOf(filter), stored(where)),
      ...wordConditions(filter.words),
    };
    const options = { ...readOptions(this.model), projection: TASK_FIELDS, sort, limit };
    return (await this.model.collection.find<TaskRow>(query, options).toArray()).map(toTask);
  }
}

/** Ids and instants as the documents have them; a cursor has them as text and numbers. */
function stored(where: Segment['where']): Segment['where'] {
  return mapValues(where, (condition, field) => mapValues(condition, (value) => storedValue(field, value)));
}

function storedValue(field: string, value: unknown): unknown {
  if (field === '_id') return new mongoose.Types.ObjectId(value as string);
  return typeof value === 'number' && field.endsWith('At') ? new Date(value) : value;
}

const mapValues = <T, R>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
