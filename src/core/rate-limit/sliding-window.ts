import type { RateLimit, RateLimitResult } from './rate-limit.store.js';

/** The two counters under a key. */
export interface Window {
  readonly startMs: number;
  readonly count: number;
  readonly previous: number;
}

/** The window that `nowMs` lies in: the present one, the one that follows it, or a new one. */
export function windowAfter(window: Window | undefined, { windowSeconds }: RateLimit, nowMs: number): Window {
  const lengthMs = windowSeconds * 1000;
  const age = window ? nowMs - window.startMs : -1;
  if (!window || age < 0 || age >= 2 * lengthMs) return { startMs: nowMs, count: 0, previous: 0 };
  return age < lengthMs ? window : { startMs: window.startMs + lengthMs, count: 0, previous: window.count };
}

/** What counts now: this window, and as much of the previous one as still reaches into the last `windowSeconds`. */
export function used(window: Window, { windowSeconds }: RateLimit, nowMs: number): number {
  const share = 1 - (nowMs - window.startMs) / (windowSeconds * 1000);
  return window.count + window.previous * share;
}

/** @param window after the request was counted, if it was */
export function resultOf(window: Window, limit: RateLimit, nowMs: number, wasCounted: boolean): RateLimitResult {
  const spent = used(window, limit, nowMs);
  const exhausted = !wasCounted && spent >= limit.limit;
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
