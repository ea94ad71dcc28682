import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import mongoose, { type Model, type Types } from 'mongoose';
import { toPending, type DomainEvent } from '../../core/events/domain-event.js';
import { pushEvents } from '../../core/events/outbox.schema.js';
import type { IdempotencyMark } from '../../core/idempotency/idempotency.js';
import { readOptions, timeLimit } from '../../core/mongo/driver-options.js';
import { duplicateKey, writeConflict } from '../../core/mongo/store-failure.js';
import type { Decision, Task } from './task.js';
import { searchFieldsOf } from './task-search.js';
import { storedFields, TASK_FIELDS, toTask, type TaskRow } from './stored-task.js';
import { TASK_MODEL, type TaskDocument } from './task.schema.js';

const PURGE_BATCH = 1000;

/**
 * Tasks as MongoDB keeps them, one at a time. What is `gone` is in no answer. What every request needs goes by the
 * driver, because Mongoose costs more than the rest of the way: what is written has a type instead of a cast.
 */
@Injectable()
export class TasksRepository {
  constructor(@InjectModel(TASK_MODEL) private readonly model: Model<TaskDocument>) {}

  newId(): string {
    return new mongoose.Types.ObjectId().toHexString();
  }

  async find(owner: string, id: string): Promise<Task | undefined> {
    const visible = { ...documentOf(owner, id), place: { $in: ['live', 'trash'] } };
    const options = { ...readOptions(this.model), projection: TASK_FIELDS };
    const found = await this.model.collection.findOne<TaskRow>(visible, options);
    return found ? toTask(found) : undefined;
  }

  /** @returns false when a task of this owner carries the same idempotency key, or is about to */
  async insert({ task, events }: Decision, idem?: IdempotencyMark): Promise<boolean> {
    try {
      await this.model.collection.insertOne(this.document(task, events, idem));
      return true;
    } catch (error) {
      // Ids are made here and are unique, so it can only be the key; a server may also give up one of two equal ones.
      if (idem && (duplicateKey(error) || writeConflict(error))) return false;
      throw error;
    }
  }

  /**
   * Puts what was decided in the place of what was read, events included, if nobody wrote in between.
   * @returns whether it did
   */
  async replace(read: Task, { task, events }: Decision): Promise<boolean> {
    const isSearchedAsBefore =
      read.title === task.title && read.description === task.description && read.tags === task.tags;
    const update = {
      $set: isSearchedAsBefore ? storedFields(task) : Object.assign(storedFields(task), searchFieldsOf(task)),
      ...(task.place === 'gone' ? { $unset: { idem: 1 } } : {}),
      ...pushEvents(events.map((event) => toPending(event))),
    };
    const { id, owner, place, version } = read;
    const seen = { ...documentOf(owner, id), place, version };
    const options = { ...timeLimit(this.model), projection: { _id: 1 } };
    return (await this.model.collection.findOneAndUpdate(seen, update, options)) !== null;
  }

  /** The task that a request with this key has created, and what it remembers of the request. */
  async findByKey(owner: string, key: string): Promise<{ task: Task; idem: IdempotencyMark } | undefined> {
    const found = await this.model
      .findOne({ owner, 'idem.key': key }, { ...TASK_FIELDS, idem: 1 })
      .lean<TaskRow & { idem: IdempotencyMark }>();
    return found ? { task: toTask(found), idem: found.idem } : undefined;
  }

  /** Frees the key, unless another request has used it again meanwhile. */
  async forgetKey(task: Task, { key, at }: IdempotencyMark): Promise<void> {
    const seen = { _id: task.id, owner: task.owner, 'idem.key': key, 'idem.at': at };
    await this.model.updateOne(seen, { $unset: { idem: 1 } });
  }

  /** Tasks of anybody that went into the trash before this instant, the longest there first. */
  async trashedBefore(instant: Date, limit: number): Promise<Task[]> {
    const found = await this.model
      .find({ place: 'trash', deletedAt: { $lt: instant } }, TASK_FIELDS)
      .sort({ deletedAt: 1 })
      .limit(limit)
      .lean<TaskRow[]>();
    return found.map(toTask);
  }

  /** Stores tasks as they are, without events. */
  async insertMany(tasks: readonly Task[]): Promise<void> {
    await this.model.collection.insertMany(tasks.map((task) => this.document(task, [])));
  }

  /** Removes everything of this owner, in steps that each end long before the time limit of an operation. */
  async purge(owner: string): Promise<void> {
    for (;;) {
      const batch = await this.model.find({ owner }, { _id: 1 }).limit(PURGE_BATCH).lean<Pick<TaskDocument, '_id'>[]>();
      if (batch.length === 0) return;
      await this.model.deleteMany({ _id: { $in: batch.map(({ _id }) => _id) }, owner });
    }
  }

  private document(task: Task, events: readonly DomainEvent[], idem?: IdempotencyMark): Record<string, unknown> {
    // Spreading what is new to an object, field by field, would cost more than its BSON.
    return Object.assign(
      documentOf(task.owner, task.id),
      storedFields(task),
      { createdAt: task.createdAt },
      searchFieldsOf(task),
      idem && { idem },
      events.length > 0 && { pending: events.map((event) => toPending(event)), pendingAt: events[0]!.at },
    );
  }
}

const documentOf = (owner: string, id: string): { _id: Types.ObjectId; owner: Types.ObjectId } => ({
  _id: new mongoose.Types.ObjectId(id),
  owner: new mongoose.Types.ObjectId(owner),
});
