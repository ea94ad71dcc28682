import { Schema } from 'mongoose';
import { outboxDefinition, outboxIndex, type OutboxFields } from '../../../core/events/outbox.schema.js';
import type { PlannedReminder } from './reminder.js';

/** A reminder in the schedule. One that has fired stays while its deadline does, so that it is not planned again. */
export interface ReminderDocument extends Omit<PlannedReminder, 'id'>, OutboxFields {
  _id: string;
  /** `void`: nobody needs it any more, but its event is still to be published. */
  state: 'waiting' | 'fired' | 'void';
  /** Only while it waits: when a worker looks at it, which is `fireAt` or the end of the claim of another one. */
  lookAt?: Date;
  /** Of the worker that has it in its hands. */
  claim?: string;
  /** Raised with what the relay has to know of. */
  version: number;
}

export const REMINDER_MODEL = 'Reminder';

export const reminderSchema = new Schema<ReminderDocument>(
  {
    _id: String,
    owner: String,
    taskId: String,
    kind: String,
    minutesBefore: Number,
    dueAt: Date,
    fireAt: Date,
    state: String,
    lookAt: Date,
    claim: String,
    version: Number,
    ...outboxDefinition,
  },
  { collection: 'reminders', versionKey: false, strict: 'throw', read: 'primary' },
);

// The plan of a task; the purge of an account.
reminderSchema.index({ owner: 1, taskId: 1 });
// What is due.
reminderSchema.index({ lookAt: 1 }, { sparse: true });
// The relay.
reminderSchema.index(...outboxIndex);
