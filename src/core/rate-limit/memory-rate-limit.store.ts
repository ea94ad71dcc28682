import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../time/clock.js';
import { RateLimitStore, type RateLimit, type RateLimitResult } from './rate-limit.store.js';

/** Keys; an attacker who rotates addresses must not exhaust memory. */
const MAX_KEYS = 100_000;

interface Window {
  startMs: number;
  count: number;
  previous: number;
}

/** Limits of a single process. O(1) memory a key, whatever the limit. */
@Injectable()
export class MemoryRateLimitStore extends RateLimitStore {
  private readonly windows = new LRUCache<string, Window>({ max: MAX_KEYS });

  constructor(private readonly clock: Clock) {
    super();
  }

  consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    const nowMs = this.clock.now().getTime();
    const states = limits.map((limit) => ({ limit, window: this.windowAt(limit, nowMs) }));
    const allowed = states.every(({ limit, window }) => used(window, limit, nowMs) < limit.limit);
    if (allowed) for (const { window } of states) window.count++;
    return Promise.resolve(states.map(({ limit, window }) => result(window, limit, nowMs, allowed)));
  }

  private windowAt({ key, windowSeconds }: RateLimit, nowMs: number): Window {
    const lengthMs = windowSeconds * 1000;
    const window = this.windows.get(key);
    const age = window ? nowMs - window.startMs : Infinity;
    if (window && age >= 0 && age < lengthMs) return window;
    const next =
      window && age >= 0 && age < 2 * lengthMs
        ? { startMs: window.startMs + lengthMs, count: 0, previous: window.count }
        : { startMs: nowMs, count: 0, previous: 0 };
    this.windows.set(key, next);
    return next;
  }
}

/** What counts now: this window, and as much of the previous one as still reaches into the last `windowSeconds`. */
function used(window: Window, { windowSeconds }: RateLimit, nowMs: number): number {
  const share = 1 - (nowMs - window.startMs) / (windowSeconds * 1000);
  return window.count + window.previous * share;
}

function result(window: Window, limit: RateLimit, nowMs: number, counted: boolean): RateLimitResult {
  const spent = used(window, limit, nowMs);
  const exhausted = !counted && spent >= limit.limit;
  const lengthMs = limit.windowSeconds * 1000;
  const overMs = window.startMs + lengthMs - nowMs;
  // The previous window fades evenly; what was counted in this one begins to fade when it is over.
  const fadedMs = window.count < limit.limit ? ((spent - limit.limit) / window.previous) * lengthMs : overMs;
  return {
    allowed: !exhausted,
    // A request passes while less than the limit is used, if only by a fraction.
    remaining: Math.max(0, Math.ceil(limit.limit - spent)),
    // At the very instant there is no room yet: it comes after it.
    resetSeconds: Math.max(1, Math.ceil((exhausted ? fadedMs + 1 : overMs) / 1000)),
  };
}
