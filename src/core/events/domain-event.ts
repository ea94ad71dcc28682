import { randomUUID } from 'node:crypto';

/** Something that happened, in the past tense, with the facts and not the document. Subclasses add their facts. */
export abstract class DomainEvent {
  /** UUIDv7. Consumers are idempotent by it: an event is delivered at least once. */
  readonly eventId: string = newEventId();

  constructor(readonly at: Date) {}
}

/**
 * UUIDv7 (RFC 9562, 5.7) from the random bits that Node keeps ready for `randomUUID`: to ask the system for some each time
 * took half of what a task's event costs the request that makes it.
 */
function newEventId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** A kind of event: the class, with the name under which it is stored and published (`task.completed`). */
export interface EventClass<E extends DomainEvent> {
  readonly eventName: string;
  readonly prototype: E;
}

/** An event as it waits inside the document it happened to. */
export interface PendingEvent {
  readonly id: string;
  readonly name: string;
  readonly at: Date;
  /** Not published before this instant. */
  readonly notBefore: Date;
  readonly facts: Readonly<Record<string, unknown>>;
  /** The modules that have still to handle it; absent until it is published. */
  readonly for?: readonly string[];
}

/** The stored form of an event; `notBefore` defers it. */
export function toPending(event: DomainEvent, notBefore: Date = event.at): PendingEvent {
  const { eventId, at, ...facts } = event;
  const { eventName } = event.constructor as unknown as EventClass<DomainEvent>;
  return { id: eventId, name: eventName, at, notBefore, facts };
}

/** The typed event again. */
export function fromPending<E extends DomainEvent>(type: EventClass<E>, pending: PendingEvent): E {
  const event = Object.create(type.prototype) as E;
  return Object.assign(event, pending.facts, { eventId: pending.id, at: pending.at });
}
