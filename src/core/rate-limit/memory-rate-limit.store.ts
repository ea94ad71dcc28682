import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../time/clock.js';
import { RateLimitStore, type RateLimit, type RateLimitResult } from './rate-limit.store.js';
import { resultOf, used, windowAfter, type Window } from './sliding-window.js';

/** Keys; an attacker who rotates addresses must not exhaust memory. */
const MAX_KEYS = 100_000;

interface Counters extends Window {
  count: number;
}

/** Limits of a single process. O(1) memory a key, whatever the limit. */
@Injectable()
export class MemoryRateLimitStore extends RateLimitStore {
  private readonly windows = new LRUCache<string, Counters>({ max: MAX_KEYS });

  constructor(private readonly clock: Clock) {
    super();
  }

  consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    const nowMs = this.clock.now().getTime();
    const states = limits.map((limit) => ({ limit, window: this.windowAt(limit, nowMs) }));
    const allowed = states.every(({ limit, window }) => used(window, limit, nowMs) < limit.limit);
    if (allowed) for (const { window } of states) window.count++;
    return Promise.resolve(states.map(({ limit, window }) => resultOf(window, limit, nowMs, allowed)));
  }

  private windowAt(limit: RateLimit, nowMs: number): Counters {
    const kept = this.windows.get(limit.key);
    const window = windowAfter(kept, limit, nowMs);
    if (window === kept) return kept;
    const counters = { ...window };
    this.windows.set(limit.key, counters);
    return counters;
  }
}
