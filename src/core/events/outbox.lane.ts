import { Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { LastSeen } from '../metrics/last-seen.js';
import { storeFailure } from '../mongo/store-failure.js';
import { backoffMs } from '../time/backoff.js';
import type { Clock } from '../time/clock.js';
import { AT_ONCE } from './background.js';
import { TransportUnavailable } from './event-transport.js';
import type { Carrier, OutboxRepository } from './outbox.repository.js';

export const BATCH = 100;
const MAX_BACKOFF_MS = 60_000;

/** What a document has failed so far. One that failed last longer ago than any backoff is somebody else's by now. */
interface Failure {
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

/** What a lane does with the documents that are due. */
export interface LaneWork {
  readonly due: (source: OutboxRepository, now: Date) => Promise<Carrier[]>;
  readonly handle: (source: OutboxRepository, carrier: Carrier) => Promise<void>;
  /** The same with many at once; without it each goes by itself. */
  readonly together?: (source: OutboxRepository, carriers: readonly Carrier[]) => Promise<void>;
}

/** One way that events go: from the documents to their names, or on to one module. A document that fails waits alone. */
export class Lane {
  private readonly logger = new Logger('OutboxRelay');
  private readonly failures = new Map<string, Failure>();
  private readonly lag = new LastSeen();

  /**
   * @param name as it stands in the log
   * @param at what says when the documents are looked at next
   */
  constructor(
    private readonly name: string,
    private readonly at: 'pendingAt' | 'delivery.at',
    private readonly clock: Clock,
  ) {}

  /** Age of the oldest event that waited when this process looked last; 0 when another process looks. */
  get lagMs(): number {
    return this.lag.value;
  }

  /** @returns whether there may be more: a batch was full */
  async pass(sources: readonly OutboxRepository[], { due, handle, together }: LaneWork): Promise<boolean> {
    const waiting = this.failing();
    let isFull = false;
    try {
      for (const source of sources) {
        const carriers = await due(source, this.clock.now());
        waiting.push(...carriers.flatMap(({ pending }) => pending.map(({ notBefore }) => notBefore)));
        if (!together || !(await this.handleTogether(carriers, () => together(source, carriers))))
          await this.handleApart(source, carriers, handle);
        isFull ||= carriers.length === BATCH;
      }
    } finally {
      const nowMs = this.clock.now().getTime();
      this.lag.value = Math.max(0, ...waiting.map((time) => nowMs - time.getTime()));
    }
    return isFull;
  }

  /**
   * @returns false when one of them may be to blame, so that each is tried by itself
   * @throws when none of them is: all wait, and none is put off
   */
  private async handleTogether(carriers: readonly Carrier[], work: () => Promise<void>): Promise<boolean> {
    if (carriers.length === 0) return true;
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof TransportUnavailable || storeFailure(error)) throw error;
      return false;
    }
  }

  /** @throws TransportUnavailable when all are done with: none of them is to blame, and none is put off for it */
  private async handleApart(
    source: OutboxRepository,
    carriers: readonly Carrier[],
    handle: LaneWork['handle'],
  ): Promise<void> {
    const limit = pLimit(AT_ONCE);
    const outcomes = await Promise.allSettled(
      carriers.map((carrier) => limit(() => this.handleOne(source, carrier, handle))),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as Error;
  }

  /** Since when documents wait that are not due because something failed. */
  private failing(): Date[] {
    const endMs = this.clock.now().getTime() - 2 * MAX_BACKOFF_MS;
    for (const [key, { last }] of this.failures) if (last.getTime() < endMs) this.failures.delete(key);
    return [...this.failures.values()].map(({ first }) => first);
  }

  private async handleOne(source: OutboxRepository, carrier: Carrier, handle: LaneWork['handle']): Promise<void> {
    const key = `${source.name}:${String(carrier._id)}`;
    try {
      await handle(source, carrier);
      this.failures.delete(key);
    } catch (error) {
      if (error instanceof TransportUnavailable) throw error;
      const now = this.clock.now();
      const known = this.failures.get(key);
      const count = (known?.count ?? 0) + 1;
      this.failures.set(key, { count, first: known?.first ?? now, last: now });
      const pauseMs = backoffMs(count, { firstMs: 1000, longestMs: MAX_BACKOFF_MS, jitter: 0 });
      const { message } = error as Error;
      this.logger.warn(`${this.name}: ${key} waits ${pauseMs} ms after failure ${count}: ${message}`);
      await source.postpone(carrier, this.at, new Date(now.getTime() + pauseMs)).catch(() => undefined);
    }
  }
}
