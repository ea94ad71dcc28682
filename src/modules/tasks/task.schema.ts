import { Schema, type Types } from 'mongoose';
import { outboxDefinition, outboxIndex, type OutboxFields } from '../../core/events/outbox.schema.js';
import type { IdempotencyMark } from '../../core/idempotency/idempotency.js';
import type { Place, Reminder, Status } from './task.js';
import type { SearchFields } from './task-search.js';

/** A task as it is stored. */
export interface TaskDocument extends SearchFields, OutboxFields {
  _id: Types.ObjectId;
  owner: Types.ObjectId;
  place: Place;
  title: string;
  description: string;
  status: Status;
  /** Index into `PRIORITIES`: words would sort by the alphabet. */
  priority: number;
  dated: boolean;
  /** `UNDATED` when there is none. */
  dueAt: Date;
  /** Absent in tasks of the first releases: as null. */
  reminders?: Reminder[] | null;
  tags: string[];
  completedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
  version: number;
  /** Of the request that created it; outlived marks stay until their key is used again. */
  idem?: IdempotencyMark;
}

export const TASK_MODEL = 'Task';

/**
 * The stored `dueAt` of a task without one. A null could not be asked for by equality: no engine serves a null filter
 * from an index well, and the undated phase of `sort=dueAt` continues by `_id` behind this very value.
 */
export const UNDATED = new Date('9999-12-31T23:59:59.999Z');

export const taskSchema = new Schema<TaskDocument>(
  {
    owner: Schema.Types.ObjectId,
    place: String,
    title: String,
    titleFolded: String,
    description: String,
    status: String,
    priority: Number,
    dated: Boolean,
    dueAt: Date,
    reminders: { type: [new Schema({ minutesBefore: Number }, { _id: false })], default: undefined },
    tags: { type: [String], default: undefined },
    terms: { type: [String], default: undefined },
    searchTitle: String,
    searchText: String,
    completedAt: Date,
    createdAt: Date,
    updatedAt: Date,
    deletedAt: Date,
    version: Number,
    idem: { type: new Schema({ key: String, bodyHash: String, at: Date }, { _id: false }), default: undefined },
    ...outboxDefinition,
  },
  // Whoever writes reads its own writes, whatever MONGODB_READ_PREFERENCE says.
  { collection: 'tasks', versionKey: false, strict: 'throw', read: 'primary' },
);

// Twelve is the limit: every one of them is paid for by every write. `_id` at the end makes each order total.
/** The default list, and by its prefix everything that is only narrowed to an owner's tasks: stats, purge. */
taskSchema.index({ owner: 1, place: 1, createdAt: 1, _id: 1 });
/** `sort=updatedAt`. */
taskSchema.index({ owner: 1, place: 1, updatedAt: 1, _id: 1 });
/** `sort=dueAt` in its two phases, `dueAfter`, `dueBefore`, `overdue`, and the next instant at which stats change. */
taskSchema.index({ owner: 1, place: 1, dated: 1, dueAt: 1, _id: 1 });
/** `sort=priority`; `priority=` in the default order. */
taskSchema.index({ owner: 1, place: 1, priority: 1, createdAt: 1, _id: 1 });
/** `sort=title`. */
taskSchema.index({ owner: 1, place: 1, titleFolded: 1, _id: 1 });
/** `status=` in the default order. */
taskSchema.index({ owner: 1, place: 1, status: 1, createdAt: 1, _id: 1 });
/** `tag=` in the default order. */
taskSchema.index({ owner: 1, place: 1, tags: 1, createdAt: 1, _id: 1 });
/** `q`, by anchored prefix. */
taskSchema.index({ owner: 1, place: 1, terms: 1 });
/** The order of `sort=relevance`. The texts are folded words already, so the engine has no language to know. */
taskSchema.index(
  { owner: 1, place: 1, searchTitle: 'text', searchText: 'text' },
  { name: 'relevance', weights: { searchTitle: 10, searchText: 1 }, default_language: 'none' },
);
/** One task for one Idempotency-Key of a user, however many requests race. */
taskSchema.index(
  { owner: 1, 'idem.key': 1 },
  { unique: true, partialFilterExpression: { 'idem.key': { $exists: true } } },
);
taskSchema.index(...outboxIndex);
/** Without an owner: the sweeper of the trash, and the admin's numbers, which need no document beside it. */
taskSchema.index({ place: 1, deletedAt: 1, status: 1, priority: 1, dueAt: 1, createdAt: 1 });
