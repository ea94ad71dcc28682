import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MODULE_NAMES, type ModuleName } from '../../config/modules.js';
import { Metrics } from '../metrics/metrics.js';
import { Clock } from '../time/clock.js';
import { ANY_PROCESS, Background } from './background.js';
import type { PendingEvent } from './domain-event.js';
import { EventBus } from './event-bus.js';
import { BATCH, Lane } from './outbox.lane.js';
import type { Carrier, OutboxRepository } from './outbox.repository.js';

const POLL_MS = 500;
/** Where it was published in this process, that one says so at once. */
const DELIVERY_POLL_MS = 1000;
const MEASURE_MS = 5000;
const RELAY = 'relay';
const deliveryTo = (module: ModuleName): string => `deliver to ${module}`;

/**
 * Publishes the events that wait inside documents: at least once, in order per document and module. Publishing writes
 * the modules that listen to an event into it, or takes it off when nobody does; any process can. Each module then
 * finishes its part, in a process that serves it, and takes its name off. So an event waits for a module that is in no
 * process just now, and holds up no other. The last one removes a document whose time has come.
 */
@Injectable()
export class OutboxRelay implements OnModuleInit {
  private readonly sources: OutboxRepository[] = [];
  private readonly lanes: Lane[] = [];
  private readonly published;
  private readonly failed;

  constructor(
    private readonly background: Background,
    private readonly bus: EventBus,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.published = metrics.counter('taskflow_events_published_total', 'Events brought on their way', ['event']);
    this.failed = metrics.counter('taskflow_event_failures_total', 'Deliveries that a listener failed', ['event']);
    metrics.measured(
      'taskflow_outbox_lag_seconds',
      'Age of the oldest due event that waits here',
      () => Math.max(...this.lanes.map(({ lagMs }) => lagMs)) / 1000,
    );
  }

  onModuleInit(): void {
    this.addLane(ANY_PROCESS, RELAY, POLL_MS, {
      at: 'pendingAt',
      due: (source, now) => source.due(now, BATCH),
      handle: (source, carrier) => this.publish(source, carrier),
    });
    for (const module of MODULE_NAMES) {
      this.addLane(module, deliveryTo(module), DELIVERY_POLL_MS, {
        at: 'delivery.at',
        due: async (source, now) => (source.isListenedTo ? source.waitingFor(module, now, BATCH) : []),
        handle: (source, carrier) => this.deliver(module, source, carrier),
      });
    }
    // Nobody else would tell that events wait for a module that is in no process.
    this.addLane(ANY_PROCESS, 'measure what waits', MEASURE_MS, {
      at: 'delivery.at',
      due: async (source, now) =>
        source.isListenedTo
          ? (await Promise.all(MODULE_NAMES.map((module) => source.waitingFor(module, now, 1)))).flat()
          : [],
      handle: () => Promise.resolve(),
    });
  }

  addSource(source: OutboxRepository): void {
    this.sources.push(source);
  }

  /** A writer says that something waits. Without it the relay finds out by itself within a second. */
  nudge(): void {
    this.background.nudge(RELAY);
  }

  private addLane(
    who: ModuleName | typeof ANY_PROCESS,
    name: string,
    everyMs: number,
    { at, due, handle }: LaneWork,
  ): void {
    const lane = new Lane(name, at, this.clock);
    this.lanes.push(lane);
    this.background.every(who, name, everyMs, async () => {
      if (await lane.pass(this.sources, due, handle)) this.background.nudge(name);
    });
  }

  /** Names the modules that each due event is for. */
  private async publish(source: OutboxRepository, carrier: Carrier): Promise<void> {
    const now = this.clock.now();
    const isDue = (event: PendingEvent): boolean => event.for === undefined && event.notBefore <= now;
    const due = carrier.pending.filter(isDue);
    const ids = new Set(due.map(({ id }) => id));
    const next = (pending: readonly PendingEvent[]): PendingEvent[] =>
      pending
        .map((event) => (ids.has(event.id) ? { ...event, for: this.bus.listenersTo(event.name) } : event))
        .filter((event) => event.for?.length !== 0);
    await source.rewrite(carrier, next, now);
    for (const { name } of due) this.published.inc({ event: name });
    for (const module of new Set(due.flatMap(({ name }) => this.bus.listenersTo(name))))
      this.background.nudge(deliveryTo(module));
  }

  /** Brings what waits for `module` to its listeners, in order, and takes its name off. */
  private async deliver(module: ModuleName, source: OutboxRepository, carrier: Carrier): Promise<void> {
    const delivered = new Set<string>();
    for (const event of carrier.pending) {
      if (!event.for?.includes(module)) continue;
      await this.bus.deliver(module, event).catch((error: unknown) => {
        this.failed.inc({ event: event.name });
        throw error;
      });
      delivered.add(event.id);
    }
    await source.rewrite(carrier, (pending) =>
      pending
        .map((event) =>
          delivered.has(event.id) ? { ...event, for: event.for?.filter((name) => name !== module) } : event,
        )
        .filter((event) => event.for?.length !== 0),
    );
  }
}

interface LaneWork {
  readonly at: 'pendingAt' | 'delivery.at';
  readonly due: (source: OutboxRepository, now: Date) => Promise<Carrier[]>;
  readonly handle: (source: OutboxRepository, carrier: Carrier) => Promise<void>;
}
