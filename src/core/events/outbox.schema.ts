import { Schema, type IndexDefinition, type IndexOptions } from 'mongoose';
import type { PendingEvent } from './domain-event.js';

/** What a document that carries events has besides its own fields. Both are absent while nothing waits. */
export interface OutboxFields {
  pending?: PendingEvent[];
  /** When the relay looks at the document next. */
  pendingAt?: Date;
}

const pendingEventSchema = new Schema(
  { id: String, name: String, at: Date, notBefore: Date, facts: Schema.Types.Mixed },
  { _id: false, id: false },
);

/** Spread into the schema of a document that carries events. */
export const outboxDefinition = {
  pending: { type: [pendingEventSchema], default: undefined },
  pendingAt: Date,
};

/** Serves the relay; sparse, so that it holds only documents with something to publish. */
export const outboxIndex: [IndexDefinition, IndexOptions] = [{ pendingAt: 1 }, { sparse: true }];

/** The part of an update that adds events to a document, in the same write as the change they tell of. */
export function pushEvents(events: readonly PendingEvent[]): Record<string, unknown> {
  if (events.length === 0) return {};
  const earliest = new Date(Math.min(...events.map(({ notBefore }) => notBefore.getTime())));
  return { $push: { pending: { $each: events } }, $min: { pendingAt: earliest } };
}
