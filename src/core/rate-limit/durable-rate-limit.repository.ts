import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { Overloaded } from '../errors/core.errors.js';
import { duplicateKey } from '../mongo/store-failure.js';
import { Clock } from '../time/clock.js';
import { RATE_LIMIT_MODEL, type RateLimitDocument } from './rate-limit.schema.js';
import { RateLimitStore, type RateLimit, type RateLimitResult } from './rate-limit.store.js';
import { resultOf, used, windowAfter, type Window } from './sliding-window.js';

/** Of one key; each lost attempt is another request that was counted, or the one that began the window. */
const MAX_ATTEMPTS = 20;

/**
 * Limits that must not begin anew because a process or Redis does: tries of a password. All processes count together
 * in MongoDB, without which nobody can sign in anyway. Two operations a key, beside the hash of a password.
 */
@Injectable()
export class DurableRateLimitRepository extends RateLimitStore {
  constructor(
    @InjectModel(RATE_LIMIT_MODEL) private readonly model: Model<RateLimitDocument>,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** One key after the other; when one is exhausted, the ones before get back what was counted. */
  async consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    const results: RateLimitResult[] = [];
    let isRefused = false;
    for (const limit of limits) {
      const result: RateLimitResult = isRefused ? await this.look(limit) : await this.count(limit);
      results.push(result);
      isRefused ||= !result.allowed;
    }
    const refusedAt = results.findIndex(({ allowed }) => !allowed);
    for (let n = 0; n < refusedAt; n++) results[n] = await this.giveBack(limits[n]!);
    return results;
  }

  private async count(limit: RateLimit): Promise<RateLimitResult> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const nowMs = this.clock.now().getTime();
      const stored = await this.model.findById(limit.key).lean();
      const window = windowAfter(stored ? toWindow(stored) : undefined, limit, nowMs);
      if (used(window, limit, nowMs) >= limit.limit) return resultOf(window, limit, nowMs, false);
      const counted = await this.write(stored, window, limit, nowMs);
      if (counted) return resultOf(counted, limit, nowMs, true);
    }
    throw new Overloaded();
  }

  /** Adds one to the window that was seen. Undefined when somebody else began another, or took the last place. */
  private async write(
    stored: RateLimitDocument | null,
    window: Window,
    limit: RateLimit,
    nowMs: number,
  ): Promise<Window | undefined> {
    const { key, windowSeconds } = limit;
    const startAt = new Date(window.startMs);
    if (stored && stored.startAt.getTime() === window.startMs) {
      const room = limit.limit - (used(window, limit, nowMs) - window.count);
      const filter = { _id: key, startAt, count: { $lt: room } };
      const after = await this.model
        .findOneAndUpdate(filter, { $inc: { count: 1 } }, { returnDocument: 'after' })
        .lean();
      return after ? toWindow(after) : undefined;
    }
    const begun = { ...window, count: 1 };
    const expiresAt = new Date(window.startMs + 2 * windowSeconds * 1000);
    const fields = { startAt, count: begun.count, previous: begun.previous, expiresAt };
    try {
      if (!stored) await this.model.create({ _id: key, ...fields });
      else {
        const seen = { _id: key, startAt: stored.startAt, count: stored.count };
        const { matchedCount } = await this.model.updateOne(seen, { $set: fields });
        if (matchedCount === 0) return undefined;
      }
      return begun;
    } catch (error) {
      if (duplicateKey(error)) return undefined;
      throw error;
    }
  }

  private async look(limit: RateLimit): Promise<RateLimitResult> {
    const nowMs = this.clock.now().getTime();
    const stored = await this.model.findById(limit.key).lean();
    return resultOf(windowAfter(stored ? toWindow(stored) : undefined, limit, nowMs), limit, nowMs, false);
  }

  private async giveBack(limit: RateLimit): Promise<RateLimitResult> {
    await this.model.updateOne({ _id: limit.key, count: { $gt: 0 } }, { $inc: { count: -1 } });
    return this.look(limit);
  }
}

const toWindow = ({ startAt, count, previous }: RateLimitDocument): Window => ({
  startMs: startAt.getTime(),
  count,
  previous,
});
