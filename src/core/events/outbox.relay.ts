import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Model } from 'mongoose';
import { Metrics } from '../metrics/http-metrics.js';
import { Clock } from '../time/clock.js';
import { Background } from './background.js';
import type { PendingEvent } from './domain-event.js';
import { EventBus } from './event-bus.js';
import type { OutboxFields } from './outbox.schema.js';

const BATCH = 100;
const POLL_MS = 500;
const MAX_BACKOFF_MS = 60_000;

type Carrier = OutboxFields & { _id: unknown; version: number };

/** A collection whose documents carry events. */
export interface OutboxSource {
  readonly name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the relay knows only the outbox fields of a model
  readonly model: Model<any>;
  /** Documents that match are removed once everything they carry is published. */
  readonly removeWhen: Readonly<Record<string, unknown>>;
}

/**
 * Publishes the events that wait inside documents: at least once, in order per document. A document is taken off the
 * list, or removed, only after its listeners have succeeded, by a write that names the version the relay saw.
 */
@Injectable()
export class OutboxRelay implements OnModuleInit {
  private readonly logger = new Logger(OutboxRelay.name);
  private readonly sources: OutboxSource[] = [];
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

  addSource(source: OutboxSource): void {
    this.sources.push(source);
  }

  /** A writer says that something waits. Without it the relay finds out by itself within a second. */
  nudge(): void {
    this.background.nudge('relay');
  }

  private async relay(): Promise<void> {
    for (const source of this.sources) {
      const due = { pendingAt: { $lte: this.clock.now() } };
      const carriers = await source.model.find(due).sort({ pendingAt: 1 }).limit(BATCH).lean<Carrier[]>();
      await Promise.all(carriers.map((carrier) => this.relayOne(source, carrier)));
      if (carriers.length === BATCH) this.nudge();
    }
  }

  private async relayOne(source: OutboxSource, carrier: Carrier): Promise<void> {
    const key = `${source.name}:${String(carrier._id)}`;
    const now = this.clock.now();
    const pending = carrier.pending ?? [];
    const due = pending.filter(({ notBefore }) => notBefore <= now);
    try {
      for (const event of due) {
        await this.bus.publish(event);
        this.published.inc({ name: event.name });
      }
      await this.settle(
        source,
        carrier,
        due,
        pending.filter((event) => !due.includes(event)),
      );
      this.failures.delete(key);
    } catch (error) {
      await this.postpone(source, carrier, key, error as Error);
    }
  }

  private async settle(
    source: OutboxSource,
    { _id, version }: Carrier,
    done: readonly PendingEvent[],
    rest: readonly PendingEvent[],
  ): Promise<void> {
    const seen = { _id, version };
    if (rest.length === 0) {
      const { deletedCount } = await source.model.deleteOne({ ...seen, ...source.removeWhen });
      if (deletedCount > 0) return;
      const { matchedCount } = await source.model.updateOne(seen, { $unset: { pending: 1, pendingAt: 1 } });
      if (matchedCount > 0) return;
    }
    // Deferred events are left, or the document changed meanwhile: take away what was published and look again.
    const pull = { $pull: { pending: { id: { $in: done.map(({ id }) => id) } } } };
    if (rest.length > 0) {
      const pendingAt = new Date(Math.min(...rest.map(({ notBefore }) => notBefore.getTime())));
      const { matchedCount } = await source.model.updateOne(seen, { ...pull, $set: { pendingAt } });
      if (matchedCount > 0) return;
    }
    await source.model.updateOne({ _id }, pull);
  }

  /** An event whose listener fails holds up its own document and no other. */
  private async postpone(source: OutboxSource, { _id }: Carrier, key: string, error: Error): Promise<void> {
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** failures);
    this.logger.warn(`${key} waits ${backoffMs} ms after failure ${failures}: ${error.message}`);
    const pendingAt = new Date(this.clock.now().getTime() + backoffMs);
    await source.model.updateOne({ _id, pendingAt: { $exists: true } }, { $set: { pendingAt } }).catch(() => undefined);
  }
}
