import { Injectable } from '@nestjs/common';
import { fromPending, type DomainEvent, type EventClass, type PendingEvent } from './domain-event.js';

type Handler = (pending: PendingEvent) => Promise<void>;

/** Brings events to their listeners inside this process. */
@Injectable()
export class EventBus {
  private readonly handlers = new Map<string, Handler[]>();

  /** Listeners must bear the same event twice. They run in order of registration, one after the other. */
  on<E extends DomainEvent>(type: EventClass<E>, listener: (event: E) => Promise<void>): void {
    const handlers = this.handlers.get(type.eventName) ?? [];
    this.handlers.set(type.eventName, [...handlers, (pending) => listener(fromPending(type, pending))]);
  }

  /** @throws what a listener throws; the event counts as not delivered then and comes again to all of them */
  async publish(pending: PendingEvent): Promise<void> {
    for (const handle of this.handlers.get(pending.name) ?? []) await handle(pending);
  }
}
