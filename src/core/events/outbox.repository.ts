import type { Model } from 'mongoose';
import pLimit from 'p-limit';
import type { ModuleName } from '../../config/modules.js';
import { AT_ONCE } from './background.js';
import type { PendingEvent } from './domain-event.js';
import type { Delivery, OutboxFields } from './outbox.schema.js';

/** Races with writers and with other modules that finish at the same time. */
const MAX_ATTEMPTS = 5;

/** A document with events that wait. */
export interface Carrier {
  readonly _id: unknown;
  /** By whom the collection is sharded, where it has one: a write that names it asks one shard only. */
  readonly owner?: unknown;
  readonly version: number;
  readonly pending: readonly PendingEvent[];
  readonly delivery?: Delivery;
  /** Whether its time has come to be removed, as soon as nothing waits in it. */
  readonly isLeaving: boolean;
}

type Stored = OutboxFields & { _id: unknown; owner?: unknown; version: number } & Record<string, unknown>;

/** What is written to one document, if it still is as it was seen. */
type Rewrite =
  | { readonly filter: Record<string, unknown>; readonly update: Record<string, unknown> }
  | { readonly filter: Record<string, unknown>; readonly update?: undefined };

/** A collection whose documents carry events, as the relay sees it. */
export class OutboxRepository {
  private readonly model: Model<Stored>;

  /** @param removeWhen documents that match are removed once nothing they carry waits for anybody */
  constructor(
    readonly name: string,
    model: unknown,
    private readonly removeWhen: Readonly<Record<string, unknown>>,
  ) {
    // The relay knows only the outbox fields, which every such model has.
    this.model = model as Model<Stored>;
  }

  /** Whether its schema has a place for events that wait for modules. */
  get isListenedTo(): boolean {
    return this.model.schema.path('delivery') !== undefined;
  }

  /** Those with events for which nobody was named yet, the longest waiting first. */
  async due(now: Date, limit: number): Promise<Carrier[]> {
    return this.carriers(
      await this.model
        .find({ pendingAt: { $lte: now } }, this.seen)
        .sort({ pendingAt: 1 })
        .limit(limit)
        .lean<Stored[]>(),
    );
  }

  /** Those with events that wait for `module`, the longest waiting first. */
  async waitingFor(module: ModuleName, now: Date, limit: number): Promise<Carrier[]> {
    const filter = { 'delivery.to': module, 'delivery.at': { $lte: now } };
    return this.carriers(
      await this.model.find(filter, this.seen).sort({ 'delivery.at': 1 }).limit(limit).lean<Stored[]>(),
    );
  }

  /**
   * Puts what `next` makes of the waiting events in their place; when nothing is left, the document is as if there had
   * never been any, or is removed if its time has come.
   * @param deliverAt from when on the modules look
   * @throws when others keep writing to the document: what was done comes again
   */
  async rewrite(
    carrier: Carrier,
    next: (pending: readonly PendingEvent[]) => readonly PendingEvent[],
    deliverAt: Date | undefined = carrier.delivery?.at,
  ): Promise<void> {
    let seen: Carrier | undefined = carrier;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && seen; attempt++) {
      if (await this.replace(seen, next(seen.pending), deliverAt)) return;
      [seen] = this.carriers(await this.model.find(documentOf(carrier), this.seen).lean<Stored[]>());
    }
    if (seen) throw new Error('the document changed all the time');
  }

  /** `rewrite` of many documents, in one command as long as nobody else writes to them. */
  async rewriteAll(
    carriers: readonly Carrier[],
    next: (pending: readonly PendingEvent[]) => readonly PendingEvent[],
    deliverAt?: Date,
  ): Promise<void> {
    const operations = carriers.map((carrier) => {
      const { filter, update } = this.replacement(carrier, next(carrier.pending), deliverAt);
      return update ? { updateOne: { filter, update } } : { deleteOne: { filter } };
    });
    const { matchedCount, deletedCount } = await this.model.collection.bulkWrite(operations, {
      ordered: false,
    });
    if (matchedCount + deletedCount === carriers.length) return;
    await pLimit(AT_ONCE).map(carriers, (carrier) => this.rewrite(carrier, next, deliverAt));
  }

  /** Lets the relay, or the modules, wait. */
  async postpone(carrier: Carrier, what: 'pendingAt' | 'delivery.at', until: Date): Promise<void> {
    await this.model.updateOne({ ...documentOf(carrier), [what]: { $exists: true } }, { $set: { [what]: until } });
  }

  /** @returns whether the document still was as it had been seen */
  private async replace(carrier: Carrier, rest: readonly PendingEvent[], deliverAt?: Date): Promise<boolean> {
    const { filter, update } = this.replacement(carrier, rest, deliverAt);
    if (update) return (await this.model.updateOne(filter, update)).matchedCount > 0;
    return (await this.model.deleteOne(filter)).deletedCount > 0;
  }

  private replacement(carrier: Carrier, rest: readonly PendingEvent[], deliverAt?: Date): Rewrite {
    const { version, delivery } = carrier;
    const filter = {
      ...documentOf(carrier),
      version,
      ...(this.isListenedTo ? { 'delivery.turn': delivery?.turn ?? null } : {}),
    };
    if (rest.length === 0) {
      if (carrier.isLeaving) return { filter: { ...filter, ...this.removeWhen } };
      return {
        filter,
        update: { $unset: { pending: 1, pendingAt: 1, ...(this.isListenedTo ? { delivery: 1 } : {}) } },
      };
    }
    const unnamed = rest.filter((event) => event.for === undefined);
    const to = [...new Set(rest.flatMap((event) => event.for ?? []))];
    const pendingAt = new Date(Math.min(...unnamed.map(({ notBefore }) => notBefore.getTime())));
    const marks = { to, at: deliverAt, turn: (delivery?.turn ?? 0) + 1 };
    const update = {
      $set: {
        pending: [...rest],
        ...(unnamed.length > 0 ? { pendingAt } : {}),
        ...(to.length > 0 || delivery ? { delivery: marks } : {}),
      },
      ...(unnamed.length > 0 ? {} : { $unset: { pendingAt: 1 } }),
    };
    return { filter, update };
  }

  /** What the relay has to know of a document, which may be long. */
  private get seen(): Record<string, 1> {
    const names = ['owner', 'version', 'pending', 'delivery', ...Object.keys(this.removeWhen)];
    return Object.fromEntries(names.map((name) => [name, 1]));
  }

  private carriers(found: readonly Stored[]): Carrier[] {
    return found.map((row) => {
      const { _id, owner, version, pending = [], delivery } = row;
      const isLeaving = Object.entries(this.removeWhen).every(([name, value]) => row[name] === value);
      return { _id, owner, version, pending, delivery, isLeaving };
    });
  }
}

const documentOf = ({ _id, owner }: Carrier): { _id: unknown; owner?: unknown } =>
  owner === undefined ? { _id } : { _id, owner };
