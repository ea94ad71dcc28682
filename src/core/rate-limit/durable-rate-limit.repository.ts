import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, mongo } from 'mongoose';
import { Overloaded } from '../errors/core.errors.js';
import { readOptions, timeLimit } from '../mongo/driver-options.js';
import { duplicateKey, writeConflict } from '../mongo/store-failure.js';
import { Clock } from '../time/clock.js';
import { RATE_LIMIT_MODEL, type RateLimitDocument } from './rate-limit.schema.js';
import { RateLimitStore, type RateLimit, type RateLimitResult } from './rate-limit.store.js';
import { resultOf, used, windowAfter, type Window } from './sliding-window.js';

/** Of one key; each lost attempt is another request that was counted, or the one that began the window. */
const MAX_ATTEMPTS = 20;

/**
 * Limits that must not begin anew because a process or Redis does: tries of a password. All processes count together
 * in MongoDB, without which nobody can sign in anyway. One look at all keys and one write, by the driver: beside the
 * hash of a password the commands are what a sign-in costs.
 */
@Injectable()
export class DurableRateLimitRepository extends RateLimitStore {
  constructor(
    @InjectModel(RATE_LIMIT_MODEL) private readonly model: Model<RateLimitDocument>,
    private readonly clock: Clock,
  ) {
    super();
  }

  async consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    const stored = await this.read(limits.map(({ key }) => key));
    return (await this.countTogether(limits, stored)) ?? this.countInTurn(limits, stored);
  }

  /**
   * All in one command, as long as each has room in the window that was seen. A key that has not is found by nobody, and
   * to insert it once more fails, which ends the command.
   * @returns undefined when nothing was counted
   */
  private async countTogether(
    limits: readonly RateLimit[],
    stored: ReadonlyMap<string, RateLimitDocument>,
  ): Promise<readonly RateLimitResult[] | undefined> {
    const nowMs = this.clock.now().getTime();
    const windows = limits.map((limit) => windowAfter(seenWindow(stored.get(limit.key)), limit, nowMs));
    if (limits.some((limit, n) => used(windows[n]!, limit, nowMs) >= limit.limit)) return undefined;
    const counts = limits.map((limit, n) => {
      const window = windows[n]!;
      const { previous } = window;
      const filter = {
        _id: limit.key,
        startAt: new Date(window.startMs),
        count: { $lt: roomIn(window, limit, nowMs) },
      };
      const begun = { previous, expiresAt: expiryOf(window, limit) };
      return { updateOne: { filter, update: { $inc: { count: 1 }, $setOnInsert: begun }, upsert: true } };
    });
    try {
      await this.collection.bulkWrite(counts, timeLimit(this.model));
    } catch (error) {
      if (!lostRace(error)) throw error;
      const { matchedCount = 0, upsertedCount = 0 } = error as Partial<mongo.MongoBulkWriteError>;
      for (const limit of limits.slice(0, matchedCount + upsertedCount)) await this.giveBack(limit);
      return undefined;
    }
    return limits.map((limit, n) => resultOf({ ...windows[n]!, count: windows[n]!.count + 1 }, limit, nowMs, true));
  }

  /** One key after the other; when one is exhausted, the ones before get back what was counted. */
  private async countInTurn(
    limits: readonly RateLimit[],
    stored: ReadonlyMap<string, RateLimitDocument>,
  ): Promise<readonly RateLimitResult[]> {
    const results: RateLimitResult[] = [];
    let isRefused = false;
    for (const limit of limits) {
      const result: RateLimitResult = isRefused
        ? await this.look(limit)
        : await this.count(limit, stored.get(limit.key));
      results.push(result);
      isRefused ||= !result.allowed;
    }
    const refusedAt = results.findIndex(({ allowed }) => !allowed);
    for (let n = 0; n < refusedAt; n++) results[n] = await this.giveBack(limits[n]!);
    return results;
  }

  /** @param seen what was stored a moment ago: a write counts only if it still is, and is repeated otherwise */
  private async count(limit: RateLimit, seen: RateLimitDocument | undefined): Promise<RateLimitResult> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const stored = attempt === 0 ? seen : (await this.read([limit.key])).get(limit.key);
      const nowMs = this.clock.now().getTime();
      const window = windowAfter(seenWindow(stored), limit, nowMs);
      if (used(window, limit, nowMs) >= limit.limit) return resultOf(window, limit, nowMs, false);
      const counted = await this.write(stored, window, limit, nowMs);
      if (counted) return resultOf(counted, limit, nowMs, true);
    }
    throw new Overloaded();
  }

  /** Adds one to the window that was seen. Undefined when somebody else began another, or took the last place. */
  private async write(
    stored: RateLimitDocument | undefined,
    window: Window,
    limit: RateLimit,
    nowMs: number,
  ): Promise<Window | undefined> {
    const { key } = limit;
    const startAt = new Date(window.startMs);
    if (stored && stored.startAt.getTime() === window.startMs) {
      const filter = { _id: key, startAt, count: { $lt: roomIn(window, limit, nowMs) } };
      const options = { ...timeLimit(this.model), returnDocument: 'after' } as const;
      const after = await this.collection.findOneAndUpdate(filter, { $inc: { count: 1 } }, options);
      return after ? toWindow(after) : undefined;
    }
    const begun = { ...window, count: 1 };
    const fields = { startAt, count: begun.count, previous: begun.previous, expiresAt: expiryOf(window, limit) };
    try {
      if (!stored) await this.collection.insertOne({ _id: key, ...fields });
      else {
        const seen = { _id: key, startAt: stored.startAt, count: stored.count };
        const { matchedCount } = await this.collection.updateOne(seen, { $set: fields }, timeLimit(this.model));
        if (matchedCount === 0) return undefined;
      }
      return begun;
    } catch (error) {
      if (lostRace(error)) return undefined;
      throw error;
    }
  }

  private async look(limit: RateLimit): Promise<RateLimitResult> {
    const stored = (await this.read([limit.key])).get(limit.key);
    const nowMs = this.clock.now().getTime();
    return resultOf(windowAfter(seenWindow(stored), limit, nowMs), limit, nowMs, false);
  }

  private async giveBack(limit: RateLimit): Promise<RateLimitResult> {
    const counted = { _id: limit.key, count: { $gt: 0 } };
    await this.collection.updateOne(counted, { $inc: { count: -1 } }, timeLimit(this.model));
    return this.look(limit);
  }

  private async read(keys: readonly string[]): Promise<Map<string, RateLimitDocument>> {
    const found = await this.collection.find({ _id: { $in: [...keys] } }, readOptions(this.model)).toArray();
    return new Map(found.map((document) => [document._id, document]));
  }

  private get collection(): mongo.Collection<RateLimitDocument> {
    return this.model.collection as unknown as mongo.Collection<RateLimitDocument>;
  }
}

/** Another began the window, or the server let another's equal write pass and gave this one up. */
const lostRace = (error: unknown): boolean => Boolean(duplicateKey(error)) || writeConflict(error);

const seenWindow = (stored: RateLimitDocument | undefined): Window | undefined => stored && toWindow(stored);

/** What `count` has to be below for one more: the rest of the limit is what the previous window still takes. */
const roomIn = (window: Window, limit: RateLimit, nowMs: number): number =>
  limit.limit - (used(window, limit, nowMs) - window.count);

/** It still counts during the window after it. */
const expiryOf = ({ startMs }: Window, { windowSeconds }: RateLimit): Date =>
  new Date(startMs + 2 * windowSeconds * 1000);

const toWindow = ({ startAt, count, previous }: RateLimitDocument): Window => ({
  startMs: startAt.getTime(),
  count,
  previous,
});
