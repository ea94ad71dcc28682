import { Injectable } from '@nestjs/common';
import type { ModuleName } from '../../config/modules.js';
import { fromPending, type DomainEvent, type EventClass, type PendingEvent } from './domain-event.js';

type Handler = (pending: PendingEvent) => Promise<void>;

/**
 * Who listens to what, and how an event gets to the listeners of one module. Every process knows all listeners, also
 * of the modules that other processes serve: else it could not tell for whom an event has to wait.
 */
@Injectable()
export class EventBus {
  private readonly handlers = new Map<string, Map<ModuleName, Handler[]>>();

  /** Listeners must bear the same event twice. Those of a module run in order of registration, one after the other. */
  on<E extends DomainEvent>(module: ModuleName, type: EventClass<E>, listener: (event: E) => Promise<void>): void {
    const modules = this.handlers.get(type.eventName) ?? new Map<ModuleName, Handler[]>();
    this.handlers.set(type.eventName, modules);
    modules.set(module, [...(modules.get(module) ?? []), (pending) => listener(fromPending(type, pending))]);
  }

  /** The modules that an event with this name is for. */
  listenersTo(name: string): ModuleName[] {
    return [...(this.handlers.get(name)?.keys() ?? [])];
  }

  /** @throws what a listener throws; the event counts as not delivered then and comes again to the whole module */
  async deliver(module: ModuleName, pending: PendingEvent): Promise<void> {
    for (const handle of this.handlers.get(pending.name)?.get(module) ?? []) await handle(pending);
  }
}
