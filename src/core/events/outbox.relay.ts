import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { Clock } from '../time/clock.js';
import { Background } from './background.js';
import type { PendingEvent } from './domain-event.js';
import { EventBus } from './event-bus.js';
import type { Carrier, OutboxRepository } from './outbox.repository.js';

const BATCH = 100;
const POLL_MS = 500;
const MAX_BACKOFF_MS = 60_000;
/** Whoever relays looks far more often; after this time another process does. */
const LOOK_COUNTS_MS = 15_000;

/** What a document has failed so far. One that failed last longer ago than any backoff is somebody else's by now. */
interface Failure {
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

/**
 * Publishes the events that wait inside documents: at least once, in order per document. A document is taken off the
 * list, or removed, only after its listeners have succeeded, by a write that names the version the relay saw.
 */
@Injectable()
export class OutboxRelay implements OnModuleInit {
  private readonly logger = new Logger(OutboxRelay.name);
  private readonly sources: OutboxRepository[] = [];
  private readonly failures = new Map<string, Failure>();
  private readonly published;
  private readonly failed;
  private look = { atMs: -Infinity, lagMs: 0 };

  constructor(
    private readonly background: Background,
    private readonly bus: EventBus,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.published = metrics.counter('taskflow_events_published_total', 'Events brought to their listeners', ['event']);
    this.failed = metrics.counter('taskflow_event_failures_total', 'Deliveries that a listener failed', ['event']);
    metrics.measured('taskflow_outbox_lag_seconds', 'Age of the oldest due event that waits here', () =>
      performance.now() - this.look.atMs < LOOK_COUNTS_MS ? this.look.lagMs / 1000 : 0,
    );
  }

  onModuleInit(): void {
    this.background.every('relay', POLL_MS, () => this.relay());
  }

  addSource(source: OutboxRepository): void {
    this.sources.push(source);
  }

  /** A writer says that something waits. Without it the relay finds out by itself within a second. */
  nudge(): void {
    this.background.nudge('relay');
  }

  private async relay(): Promise<void> {
    const waiting = this.failing();
    for (const source of this.sources) {
      const carriers = await source.due(this.clock.now(), BATCH);
      waiting.push(...carriers.flatMap(({ pending }) => pending.map(({ notBefore }) => notBefore)));
      await Promise.all(carriers.map((carrier) => this.relayOne(source, carrier)));
      if (carriers.length === BATCH) this.nudge();
    }
    this.look = { atMs: performance.now(), lagMs: this.ageOfOldest(waiting) };
  }

  /** Since when documents wait that are not due because their listeners failed. */
  private failing(): Date[] {
    const endMs = this.clock.now().getTime() - 2 * MAX_BACKOFF_MS;
    for (const [key, { last }] of this.failures) if (last.getTime() < endMs) this.failures.delete(key);
    return [...this.failures.values()].map(({ first }) => first);
  }

  private ageOfOldest(times: readonly Date[]): number {
    const nowMs = this.clock.now().getTime();
    return Math.max(0, ...times.map((time) => nowMs - time.getTime()));
  }

  private async relayOne(source: OutboxRepository, carrier: Carrier): Promise<void> {
    const key = `${source.name}:${String(carrier._id)}`;
    const now = this.clock.now();
    const due = carrier.pending.filter(({ notBefore }) => notBefore <= now);
    try {
      for (const event of due) await this.deliver(event);
      await source.settle(carrier, due);
      this.failures.delete(key);
    } catch (error) {
      await this.postpone(source, carrier, key, error as Error);
    }
  }

  private async deliver(event: PendingEvent): Promise<void> {
    try {
      await this.bus.publish(event);
    } catch (error) {
      this.failed.inc({ event: event.name });
      throw error;
    }
    this.published.inc({ event: event.name });
  }

  /** An event whose listener fails holds up its own document and no other. */
  private async postpone(source: OutboxRepository, carrier: Carrier, key: string, error: Error): Promise<void> {
    const now = this.clock.now();
    const known = this.failures.get(key);
    const count = (known?.count ?? 0) + 1;
    this.failures.set(key, { count, first: known?.first ?? now, last: now });
    const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** count);
    this.logger.warn(`${key} waits ${backoffMs} ms after failure ${count}: ${error.message}`);
    await source.postpone(carrier, new Date(now.getTime() + backoffMs)).catch(() => undefined);
  }
}
