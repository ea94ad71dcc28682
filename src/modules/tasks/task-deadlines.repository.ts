import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, QueryFilter } from 'mongoose';
import { OPEN_STATUSES, type Reminder } from './task.js';
import { TASK_MODEL, type TaskDocument } from './task.schema.js';

/** Of a task that can still be missed: it is live, open and has a due date. */
export interface Deadline {
  readonly taskId: string;
  readonly owner: string;
  readonly dueAt: Date;
  /** Null: as its owner has set for all tasks. */
  readonly reminders: readonly Reminder[] | null;
}

type Row = Pick<TaskDocument, '_id' | 'owner' | 'dueAt' | 'reminders'>;

const MISSABLE: QueryFilter<TaskDocument> = { place: 'live', dated: true, status: { $in: [...OPEN_STATUSES] } };
const FIELDS = { owner: 1, dueAt: 1, reminders: 1 } as const;

/** The deadlines of tasks, for whoever reminds of them. */
@Injectable()
export class TaskDeadlines {
  constructor(@InjectModel(TASK_MODEL) private readonly model: Model<TaskDocument>) {}

  /** Of those of an owner's tasks that have one. */
  async among(owner: string, taskIds: readonly string[]): Promise<Deadline[]> {
    const filter = { owner, ...MISSABLE, _id: { $in: [...taskIds] } };
    return (await this.model.find(filter, FIELDS).lean<Row[]>()).map(toDeadline);
  }

  /** Of an owner's tasks without reminders of their own, from an instant on, the soonest first. */
  async byDefault(owner: string, from: Date, limit: number, after?: Deadline): Promise<Deadline[]> {
    const { dueAt = from, taskId: _id } = after ?? {};
    const behind = after ? { $or: [{ dueAt: { $gt: dueAt } }, { dueAt, _id: { $gt: _id } }] } : {};
    const filter = { owner, ...MISSABLE, dueAt: { $gte: dueAt }, reminders: null, ...behind };
    const found = await this.model.find(filter, FIELDS).sort({ dueAt: 1, _id: 1 }).limit(limit).lean<Row[]>();
    return found.map(toDeadline);
  }
}

const toDeadline = ({ _id, owner, dueAt, reminders }: Row): Deadline => ({
  taskId: _id.toHexString(),
  owner: owner.toHexString(),
  dueAt,
  reminders: reminders ?? null,
});
