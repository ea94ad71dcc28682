import { Schema, type IndexDefinition, type IndexOptions } from 'mongoose';
import type { PendingEvent } from './domain-event.js';

/** What a document that carries events has besides its own fields. All are absent while nothing waits. */
export interface OutboxFields {
  pending?: PendingEvent[];
  /** When the relay looks at the document next: it has events for which nobody was named yet. */
  pendingAt?: Date;
  delivery?: Delivery;
}

/** Events that wait for the modules that listen to them. */
export interface Delivery {
  /** Those modules. */
  readonly to: readonly string[];
  /** When they look at the document next. */
  readonly at: Date;
  /** Counts how often the events were rewritten: modules finish at the same time, and none may undo another's mark. */
  readonly turn: number;
}

const pendingEventSchema = new Schema(
  {
    id: String,
    name: String,
    at: Date,
    notBefore: Date,
    facts: Schema.Types.Mixed,
    for: { type: [String], default: undefined },
  },
  { _id: false, id: false },
);

/** Spread into the schema of a document that carries events. */
export const outboxDefinition = {
  pending: { type: [pendingEventSchema], default: undefined },
  pendingAt: Date,
};

/** Serves the relay; sparse, so that it holds only documents with something to publish. */
export const outboxIndex: [IndexDefinition, IndexOptions] = [{ pendingAt: 1 }, { sparse: true }];

/** Spread into the schema, too, where modules listen to the events. */
export const deliveryDefinition = {
  delivery: {
    type: new Schema({ to: [String], at: Date, turn: Number }, { _id: false, id: false }),
    default: undefined,
  },
};

/** Serves the modules that listen. */
export const deliveryIndex: [IndexDefinition, IndexOptions] = [
  { 'delivery.to': 1, 'delivery.at': 1 },
  { sparse: true },
];

/** The part of an update that adds events to a document, in the same write as the change they tell of. */
export function pushEvents(events: readonly PendingEvent[]): Record<string, unknown> {
  if (events.length === 0) return {};
  const earliest = new Date(Math.min(...events.map(({ notBefore }) => notBefore.getTime())));
  return { $push: { pending: { $each: events } }, $min: { pendingAt: earliest } };
}
