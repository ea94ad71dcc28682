import type { Model } from 'mongoose';
import type { PendingEvent } from './domain-event.js';
import type { OutboxFields } from './outbox.schema.js';

/** A document with events that wait. */
export interface Carrier {
  readonly _id: unknown;
  readonly version: number;
  readonly pending: readonly PendingEvent[];
}

type Stored = OutboxFields & { _id: unknown; version: number };

/** A collection whose documents carry events, as the relay sees it. */
export class OutboxRepository {
  private readonly model: Model<Stored>;

  /** @param removeWhen documents that match are removed once everything they carry is published */
  constructor(
    readonly name: string,
    model: unknown,
    private readonly removeWhen: Readonly<Record<string, unknown>>,
  ) {
    // The relay knows only the outbox fields, which every such model has.
    this.model = model as Model<Stored>;
  }

  /** Those that have something to publish now, the longest waiting first. */
  async due(now: Date, limit: number): Promise<Carrier[]> {
    const found = await this.model
      .find({ pendingAt: { $lte: now } })
      .sort({ pendingAt: 1 })
      .limit(limit)
      .lean();
    return found.map(({ _id, version, pending = [] }) => ({ _id, version, pending }));
  }

  /** Takes published events off the list, or removes the document if that was all and its time has come. */
  async settle(carrier: Carrier, published: readonly PendingEvent[]): Promise<void> {
    const seen = { _id: carrier._id, version: carrier.version };
    const rest = carrier.pending.filter((event) => !published.includes(event));
    const pull = { $pull: { pending: { id: { $in: published.map(({ id }) => id) } } } };
    if (rest.length > 0) {
      const pendingAt = new Date(Math.min(...rest.map(({ notBefore }) => notBefore.getTime())));
      const { matchedCount } = await this.model.updateOne(seen, { ...pull, $set: { pendingAt } });
      if (matchedCount > 0) return;
    } else {
      const { deletedCount } = await this.model.deleteOne({ ...seen, ...this.removeWhen });
      if (deletedCount > 0) return;
      const { matchedCount } = await this.model.updateOne(seen, { $unset: { pending: 1, pendingAt: 1 } });
      if (matchedCount > 0) return;
    }
    // A writer got in between and may have added events: only what was published goes, and the relay looks again.
    await this.model.updateOne({ _id: carrier._id }, pull);
  }

  /** Lets the document wait. */
  async postpone({ _id }: Carrier, pendingAt: Date): Promise<void> {
    await this.model.updateOne({ _id, pendingAt: { $exists: true } }, { $set: { pendingAt } });
  }
}
