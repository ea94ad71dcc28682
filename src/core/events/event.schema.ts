import { Schema } from 'mongoose';

/** An event in the log. What may be forgotten has `expireAt`, everything else waits for somebody. */
export interface EventDocument {
  /** The event's own id: one that is published twice is here once. */
  _id: string;
  owner: string;
  seq: number;
  /** `seq` of the one before it, 0 for the first: whoever comes second behind the same one is refused. */
  after: number;
  name: string;
  at: Date;
  facts: Readonly<Record<string, unknown>>;
  /** The groups that have still to handle it, and when they look at it next. Absent when there are none. */
  to?: string[];
  lookAt?: Date;
  /** How often each group has failed. */
  attempts?: Readonly<Record<string, number>>;
  expireAt?: Date;
}

export const EVENT_MODEL = 'Event';

export const eventSchema = new Schema<EventDocument>(
  {
    _id: String,
    owner: String,
    seq: Number,
    after: Number,
    name: String,
    at: Date,
    facts: Schema.Types.Mixed,
    to: { type: [String], default: undefined },
    lookAt: Date,
    attempts: Schema.Types.Mixed,
    expireAt: Date,
  },
  { collection: 'events', versionKey: false, strict: 'throw', minimize: false, read: 'primary' },
);

/** An owner's events in order, and the last of them. */
eventSchema.index({ owner: 1, seq: 1 });
/** One event behind another, whoever publishes at the same time. */
eventSchema.index({ owner: 1, after: 1 }, { unique: true });
const waiting = { partialFilterExpression: { lookAt: { $exists: true } } };
/** What is due for a group. */
eventSchema.index({ to: 1, lookAt: 1 }, waiting);
/** What waits for a group, in the order of each owner. */
eventSchema.index({ to: 1, owner: 1, seq: 1 }, waiting);
eventSchema.index({ expireAt: 1 }, { expireAfterSeconds: 0 });
