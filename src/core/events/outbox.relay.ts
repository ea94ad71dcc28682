import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '../metrics/http-metrics.js';
import { Clock } from '../time/clock.js';
import { Background } from './background.js';
import { EventBus } from './event-bus.js';
import type { Carrier, OutboxRepository } from './outbox.repository.js';

const BATCH = 100;
const POLL_MS = 500;
const MAX_BACKOFF_MS = 60_000;

/**
 * Publishes the events that wait inside documents: at least once, in order per document. A document is taken off the
 * list, or removed, only after its listeners have succeeded, by a write that names the version the relay saw.
 */
@Injectable()
export class OutboxRelay implements OnModuleInit {
  private readonly logger = new Logger(OutboxRelay.name);
  private readonly sources: OutboxRepository[] = [];
  private readonly failures = new Map<string, number>();
  private readonly published;

  constructor(
    private readonly background: Background,
    private readonly bus: EventBus,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.published = metrics.counter('events_published_total', 'Events brought to their listeners', ['name']);
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
    for (const source of this.sources) {
      const carriers = await source.due(this.clock.now(), BATCH);
      await Promise.all(carriers.map((carrier) => this.relayOne(source, carrier)));
      if (carriers.length === BATCH) this.nudge();
    }
  }

  private async relayOne(source: OutboxRepository, carrier: Carrier): Promise<void> {
    const key = `${source.name}:${String(carrier._id)}`;
    const now = this.clock.now();
    const due = carrier.pending.filter(({ notBefore }) => notBefore <= now);
    try {
      for (const event of due) {
        await this.bus.publish(event);
        this.published.inc({ name: event.name });
      }
      await source.settle(carrier, due);
      this.failures.delete(key);
    } catch (error) {
      await this.postpone(source, carrier, key, error as Error);
    }
  }

  /** An event whose listener fails holds up its own document and no other. */
  private async postpone(source: OutboxRepository, carrier: Carrier, key: string, error: Error): Promise<void> {
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** failures);
    this.logger.warn(`${key} waits ${backoffMs} ms after failure ${failures}: ${error.message}`);
    await source.postpone(carrier, new Date(this.clock.now().getTime() + backoffMs)).catch(() => undefined);
  }
}
