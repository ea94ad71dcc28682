import type { EventHandlers } from './event-handlers.js';
import { EventTransport, type LoggedEvent, type Subscription } from './event-transport.js';
import type { LogConsumer } from './log-consumer.js';

/** Without a broker: events wait in the log itself, which MongoDB keeps, and each group takes them from there. */
export class LogTransport extends EventTransport {
  constructor(
    private readonly handlers: EventHandlers,
    private readonly consumer: LogConsumer,
  ) {
    super();
  }

  subscribe(subscription: Subscription): void {
    this.handlers.add(subscription);
    this.consumer.add(subscription);
  }

  groupsFor(name: string): readonly string[] {
    return this.handlers.groupsFor(name);
  }

  publish(events: readonly LoggedEvent[]): Promise<void> {
    for (const group of new Set(events.flatMap(({ name }) => this.groupsFor(name)))) this.consumer.nudge(group);
    return Promise.resolve();
  }
}
