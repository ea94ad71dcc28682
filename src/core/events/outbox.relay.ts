import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MODULE_NAMES, type ModuleName } from '../../config/modules.js';
import { Metrics } from '../metrics/metrics.js';
import { Clock } from '../time/clock.js';
import { ANY_PROCESS, Background } from './background.js';
import type { PendingEvent } from './domain-event.js';
import { EventBus } from './event-bus.js';
import { EventLog } from './event-log.repository.js';
import { EventTransport } from './event-transport.js';
import { BATCH, Lane, type LaneWork } from './outbox.lane.js';
import type { Carrier, OutboxRepository } from './outbox.repository.js';

const POLL_MS = 500;
/** Where it was published in this process, that one says so at once. */
const DELIVERY_POLL_MS = 1000;
const MEASURE_MS = 5000;
const RELAY = 'relay';
const deliveryTo = (module: ModuleName): string => `deliver to ${module}`;

/**
 * Publishes the events that wait inside documents: at least once, in order per document. Publishing appends them to the
 * log, hands them to the transport, and then writes the modules that listen to an event into it, or takes it off when
 * nobody does; any process can, one at a time for each collection. Each module then finishes its part, in a process
 * that serves it, and takes its name off. So an event waits for a module that is in no process just now, and holds up no
 * other. The last one removes a document whose time has come.
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
    private readonly log: EventLog,
    private readonly transport: EventTransport,
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
    for (const module of MODULE_NAMES) {
      this.addLane({ who: module, name: deliveryTo(module), everyMs: DELIVERY_POLL_MS }, 'delivery.at', {
        due: async (source, now) => (source.isListenedTo ? source.waitingFor(module, now, BATCH) : []),
        handle: (source, carrier) => this.deliver(module, source, carrier),
      });
    }
    // Nobody else would tell that events wait for a module that is in no process.
    this.addLane({ who: ANY_PROCESS, name: 'measure what waits', everyMs: MEASURE_MS }, 'delivery.at', {
      due: async (source, now) =>
        source.isListenedTo
          ? (await Promise.all(MODULE_NAMES.map((module) => source.waitingFor(module, now, 1)))).flat()
          : [],
      handle: () => Promise.resolve(),
    });
  }

  /** To be called in `onModuleInit`. Each has a lease of its own, so that several processes share the work. */
  addSource(source: OutboxRepository): void {
    this.sources.push(source);
    const part = `relay:${source.name}`;
    this.addLane({ who: ANY_PROCESS, name: RELAY, everyMs: POLL_MS, part, sources: [source] }, 'pendingAt', {
      due: (one, now) => one.due(now, BATCH),
      handle: (one, carrier) => this.publish(one, [carrier]),
      together: (one, carriers) => this.publish(one, carriers),
    });
  }

  /** A writer says that something waits. Without it the relay finds out by itself within a second. */
  nudge(): void {
    this.background.nudge(RELAY);
  }

  private addLane(
    { who, name, everyMs, part, sources = this.sources }: LanePlan,
    at: 'pendingAt' | 'delivery.at',
    work: LaneWork,
  ): void {
    const lane = new Lane(part ?? name, at, this.clock);
    this.lanes.push(lane);
    const pass = async (): Promise<void> => {
      if (await lane.pass(sources, work)) this.background.nudge(name);
    };
    this.background.every(who, name, everyMs, pass, part);
  }

  /** Appends what is due to the log, publishes it, and names the modules that each event is for. */
  private async publish(source: OutboxRepository, carriers: readonly Carrier[]): Promise<void> {
    const now = this.clock.now();
    const isDue = (event: PendingEvent): boolean => event.for === undefined && event.notBefore <= now;
    const due = carriers.flatMap(({ pending }) => pending.filter(isDue));
    await this.transport.publish(await this.log.append(due, (name) => this.transport.groupsFor(name)));
    const ids = new Set(due.map(({ id }) => id));
    // One that has been named meanwhile may have been handled by some already.
    const isUnnamed = (event: PendingEvent): boolean => ids.has(event.id) && event.for === undefined;
    const next = (pending: readonly PendingEvent[]): PendingEvent[] =>
      pending
        .map((event) => (isUnnamed(event) ? { ...event, for: this.bus.listenersTo(event.name) } : event))
        .filter((event) => event.for?.length !== 0);
    await source.rewriteAll(carriers, next, now);
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

/** How often a lane is passed, where, and over which documents. */
interface LanePlan {
  readonly who: ModuleName | typeof ANY_PROCESS;
  readonly name: string;
  readonly everyMs: number;
  readonly part?: string;
  readonly sources?: readonly OutboxRepository[];
}
