import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from './engine.js';
import { AFTER, encodeValue } from './index/key.js';
import { OrderedIndex } from './index/ordered-index.js';
import { descending, range } from './query/intervals.js';
import type { Collection } from './store/collection.js';
import type { Row } from './store/row.js';

/** Documents removed before other work gets its turn. */
const BATCH = 500;
/** Behind dates that are none. */
const FIRST_DATE = encodeValue(new Date(Number.NaN)) + AFTER;

/** Removes what TTL indexes let expire, every so often. */
export class Expiry {
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private busy = false;

  constructor(
    private readonly engine: Engine,
    intervalMs: number,
    private readonly warn: (message: string) => void = () => {},
  ) {
    this.timer = setInterval(() => this.start(), intervalMs).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private start(): void {
    if (this.busy) return;
    this.busy = true;
    this.running = this.sweep()
      .catch((error: unknown) => this.warn(`expired documents could not be removed: ${String(error)}`))
      .finally(() => (this.busy = false));
  }

  private async sweep(): Promise<void> {
    for (const collection of this.engine.catalog.all()) {
      for (const index of collection.indexes.values()) {
        if (index instanceof OrderedIndex && index.spec.expireAfterSeconds !== undefined) {
          await this.sweepIndex(collection, index, index.spec.expireAfterSeconds);
        }
      }
    }
  }

  private async sweepIndex(collection: Collection, index: OrderedIndex, seconds: number): Promise<void> {
    const limit = new Date(this.engine.now().getTime() - seconds * 1000);
    for (let rows = expired(index, limit); rows.size > 0; rows = expired(index, limit)) {
      if (this.stopped || collection.dropped || !collection.indexes.has(index.spec.name)) return;
      for (const row of rows) collection.remove(row);
      await this.engine.log.flushed();
      this.engine.counters.expired += rows.size;
      await nextTurn();
    }
  }
}

/** Some of the rows with a date not after `limit`; an array expires with its first date. */
function expired({ tree, fields }: OrderedIndex, limit: Date): Set<Row> {
  const dates = [range(FIRST_DATE, encodeValue(limit) + AFTER)];
  const rows = new Set<Row>();
  for (const { low, high } of fields[0]?.descending ? descending(dates) : dates) {
    for (const scan = tree.scan(low, high); rows.size < BATCH && scan.advance();) rows.add(scan.value);
  }
  return rows;
}
