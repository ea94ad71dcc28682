import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { LRUCache } from 'lru-cache';
import type { Model } from 'mongoose';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { duplicateKey, writeConflict } from '../mongo/store-failure.js';
import { Clock } from '../time/clock.js';
import { AT_ONCE } from './background.js';
import type { PendingEvent } from './domain-event.js';
import { EVENT_MODEL, type EventDocument } from './event.schema.js';
import type { LoggedEvent } from './event-transport.js';

/** How long an event stays after everybody has handled it: whoever reads an owner's events can be away that long. */
export const KEPT_MS = 24 * 60 * 60 * 1000;
/** Far below `KEPT_MS`: what came behind a remembered event is still there to refuse a second one behind it. */
const HEAD_KNOWN_MS = 60 * 60 * 1000;
const HEADS = 10_000;
/** Races with relays of other collections for the place behind an owner's last event. */
const MAX_RACES = 20;
const PAUSE_MS = 5;
type Shown = Pick<EventDocument, '_id' | 'owner' | 'seq' | 'name' | 'at' | 'facts'>;
const SHOWN = { _id: 1, owner: 1, seq: 1, name: 1, at: 1, facts: 1 } as const;

/** What an event on its way into the log consists of. */
export type UnloggedEvent = Pick<PendingEvent, 'id' | 'name' | 'at' | 'facts'>;

/**
 * The log: every event once, in one sequence an owner. An event names the one before it, and only one can be behind
 * another, so none appears before one that somebody has already read. A number is the time it was given, or more.
 */
@Injectable()
export class EventLog {
  private readonly heads = new LRUCache<string, number>({ max: HEADS, ttl: HEAD_KNOWN_MS });
  private readonly appended = new EventEmitter<{ owner: [string] }>().setMaxListeners(0);
  private spread: (owners: ReadonlySet<string>) => void = () => undefined;
  private appending: Promise<unknown> = Promise.resolve();

  constructor(
    @InjectModel(EVENT_MODEL) private readonly model: Model<EventDocument>,
    private readonly clock: Clock,
  ) {}

  /**
   * Puts events behind those of their owners, in the order given. One that is there already keeps its place, and is
   * waited for by nobody anew. Those without an owner are left out.
   * @param groupsFor who has to handle an event with this name
   */
  append(
    events: readonly UnloggedEvent[],
    groupsFor: (name: string) => readonly string[],
  ): Promise<readonly LoggedEvent[]> {
    // One after the other: relays of this process would only meet in the index.
    const result = this.appending.then(() => this.insert(events, groupsFor));
    this.appending = result.catch(() => undefined);
    return result;
  }

  /** The owner's events behind `after`, at most `limit`, in order. */
  async read(owner: string, after: number, limit: number): Promise<LoggedEvent[]> {
    const found = await this.model
      .find({ owner, seq: { $gt: after } }, SHOWN)
      .sort({ seq: 1 })
      .limit(limit)
      .lean<Shown[]>();
    return found.map(logged);
  }

  /** Whether everything that came behind `seq` is still here. */
  isKept(seq: number): boolean {
    return seq >= this.clock.now().getTime() - KEPT_MS;
  }

  /** Of an owner whose account is gone: nobody is left to hear of it. */
  async purge(owner: string): Promise<void> {
    await this.model.deleteMany({ owner });
  }

  /** Which of these owners have events behind the place given for each: one question for many. */
  async movedBeyond(places: ReadonlyMap<string, number>): Promise<string[]> {
    if (places.size === 0) return [];
    const $or = [...places].map(([owner, seq]) => ({ owner, seq: { $gt: seq } }));
    return this.model.distinct('owner', { $or });
  }

  /** `seq` of the owner's last event; 0 when there is none. */
  async head(owner: string): Promise<number> {
    const last = await this.model.findOne({ owner }, { seq: 1 }).sort({ seq: -1 }).lean();
    return last?.seq ?? 0;
  }

  /**
   * Calls `listener` with the owner whenever there is something new, in this process or, with Redis, in any. It must not
   * throw. Some calls may be missing, so it is wise to look from time to time all the same.
   * @returns what ends it
   */
  onAppended(listener: (owner: string) => void): () => void {
    this.appended.on('owner', listener);
    return () => this.appended.off('owner', listener);
  }

  /** Has it said in other processes, too, for whom something was appended in this one. */
  spreadBy(spread: (owners: ReadonlySet<string>) => void): void {
    this.spread = spread;
  }

  /** Tells the listeners of this process. */
  tell(owners: Iterable<string>): void {
    for (const owner of owners) this.appended.emit('owner', owner);
  }

  private async insert(
    events: readonly UnloggedEvent[],
    groupsFor: (name: string) => readonly string[],
  ): Promise<readonly LoggedEvent[]> {
    const owned = events.flatMap((event) => {
      const owner = ownerOf(event);
      return owner === undefined ? [] : [{ ...event, owner }];
    });
    const done = new Map<string, LoggedEvent>();
    for (let race = 0; done.size < owned.length; race++) {
      if (race === MAX_RACES) throw new Error('others kept getting in between at the end of the log');
      // Those who met once should not meet again.
      if (race > 0) await delay(Math.random() * PAUSE_MS * race);
      const rest = owned.filter(({ id }) => !done.has(id));
      for (const event of await this.tryInsert(rest, groupsFor)) done.set(event.id, event);
    }
    const all = owned.map(({ id }) => done.get(id)!);
    const told = new Set(all.map(({ owner }) => owner));
    this.tell(told);
    if (told.size > 0) this.spread(told);
    return all;
  }

  /** @returns those that are in the log now, maybe since an earlier time; less than all when a place was taken */
  private async tryInsert(
    events: readonly (UnloggedEvent & { readonly owner: string })[],
    groupsFor: (name: string) => readonly string[],
  ): Promise<LoggedEvent[]> {
    const owners = [...new Set(events.map(({ owner }) => owner))];
    await pLimit(AT_ONCE).map(owners, async (owner) =>
      this.heads.set(owner, this.heads.get(owner) ?? (await this.head(owner))),
    );
    const now = this.clock.now();
    const rows = events.map(({ id, owner, name, at, facts }): EventDocument => {
      const after = this.heads.get(owner)!;
      const seq = Math.max(after + 1, now.getTime());
      this.heads.set(owner, seq);
      const to = [...groupsFor(name)];
      const fate = to.length > 0 ? { to, lookAt: now } : { expireAt: new Date(now.getTime() + KEPT_MS) };
      return { _id: id, owner, seq, after, name, at, facts, ...fate };
    });
    try {
      // In order: behind one that was refused no later one of its owner may come.
      await this.model.collection.insertMany(rows as never, { ordered: true });
      return rows.map(logged);
    } catch (error) {
      for (const owner of owners) this.heads.delete(owner);
      if (!duplicateKey(error) && !writeConflict(error)) throw error;
      return (await this.model.find({ _id: { $in: events.map(({ id }) => id) } }, SHOWN).lean<Shown[]>()).map(logged);
    }
  }
}

/** Whom an event is about stands in its facts. */
function ownerOf({ facts }: UnloggedEvent): string | undefined {
  const owner = facts['owner'] ?? facts['userId'];
  return typeof owner === 'string' ? owner : undefined;
}

export const logged = ({ _id, owner, seq, name, at, facts }: Shown): LoggedEvent => ({
  id: _id,
  owner,
  seq,
  name,
  at,
  facts,
});
