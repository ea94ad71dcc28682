import { randomUUID } from 'node:crypto';
import type { RateLimit, RateLimitResult, RateLimitStore } from '../../src/core/rate-limit/rate-limit.store.js';

/** One store, and a way to let time pass for it: a moved clock where it has one, a real wait where it has not. */
export interface RateLimitStoreFixture {
  readonly store: RateLimitStore;
  later(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What every rate limit store promises, whatever keeps its counters. Windows are of 2 s so that waits can be real. */
export function rateLimitStoreContract(open: () => Promise<RateLimitStoreFixture>): void {
  let fixture: RateLimitStoreFixture;
  let fresh: (limit: number) => RateLimit;

  beforeAll(async () => {
    fixture = await open();
    fresh = (limit) => ({ key: randomUUID(), limit, windowSeconds: 2 });
  });
  afterAll(() => fixture.close());

  const ask = async (limit: RateLimit): Promise<RateLimitResult> => {
    const [result] = await fixture.store.consume([limit]);
    return result!;
  };
  const askUntilRefused = async (limit: RateLimit): Promise<number> => {
    for (let allowed = 0; ; allowed++) if (!(await ask(limit)).allowed) return allowed;
  };

  /** Milliseconds since the call for the store: what it was moved by, or more on a busy machine. */
  const passing = (leastMs: number): (() => number) => {
    const begun = performance.now();
    return () => Math.max(leastMs, performance.now() - begun);
  };

  it('lets exactly the limit through in a fresh window', async () => {
    expect(await askUntilRefused(fresh(7))).toBe(7);
  });

  it('lets exactly the limit through when all ask at once', async () => {
    const limit = fresh(7);
    const results = await Promise.all(Array.from({ length: 50 }, () => ask(limit)));
    expect(results.filter(({ allowed }) => allowed)).toHaveLength(7);
  });

  it('counts what is left down to nothing', async () => {
    const limit = fresh(3);
    const remaining = [(await ask(limit)).remaining, (await ask(limit)).remaining, (await ask(limit)).remaining];
    expect(remaining).toEqual([2, 1, 0]);
    expect(await ask(limit)).toMatchObject({ allowed: false, remaining: 0 });
  });

  it('keeps keys apart', async () => {
    await askUntilRefused(fresh(1));
    expect(await ask(fresh(1))).toMatchObject({ allowed: true });
  });

  it('says in whole seconds when the window is over', async () => {
    expect((await ask(fresh(3))).resetSeconds).toBe(2);
  });

  it('keeps its promise: after the seconds that a refusal names there is room', async () => {
    const limit = fresh(4);
    await askUntilRefused(limit);
    const { resetSeconds } = await ask(limit);
    await fixture.later(resetSeconds * 1000);
    expect(await ask(limit)).toMatchObject({ allowed: true });
  });

  it('keeps that promise while an earlier window still counts', async () => {
    const limit = fresh(4);
    await askUntilRefused(limit);
    await fixture.later(3000);
    await askUntilRefused(limit);
    const { resetSeconds } = await ask(limit);
    await fixture.later(resetSeconds * 1000);
    expect(await ask(limit)).toMatchObject({ allowed: true });
  });

  it('lets no burst through where two windows meet', async () => {
    const limit = fresh(10);
    const passed = passing(2100);
    await askUntilRefused(limit);
    await fixture.later(2100);
    expect(await askUntilRefused(limit)).toBeLessThanOrEqual(Math.ceil((passed() - 2000) / 200));
  });

  it('gives back with time, in proportion', async () => {
    const limit = fresh(10);
    const passed = passing(3000);
    await askUntilRefused(limit);
    await fixture.later(3000); // half of the first window still reaches into the last 2 s
    const allowed = await askUntilRefused(limit);
    expect(allowed).toBeGreaterThanOrEqual(4);
    expect(allowed).toBeLessThanOrEqual(Math.ceil((passed() - 2000) / 200) + 1);
  });

  it('says nothing is left only when the next request is refused', async () => {
    const limit = fresh(10);
    await askUntilRefused(limit);
    await fixture.later(2900);
    let result = await ask(limit);
    while (result.remaining > 0) result = await ask(limit);
    expect(result.allowed).toBe(true);
    expect((await ask(limit)).allowed).toBe(false);
  });

  it('is as good as new after two windows', async () => {
    const limit = fresh(5);
    await askUntilRefused(limit);
    await fixture.later(4100);
    expect(await askUntilRefused(limit)).toBe(5);
  });

  it('does not make waiting longer for who keeps asking', async () => {
    const limit = fresh(2);
    await askUntilRefused(limit);
    for (let n = 0; n < 20; n++) await ask(limit);
    await fixture.later(4100);
    expect(await ask(limit)).toMatchObject({ allowed: true, remaining: 1 });
  });

  describe('several limits at once', () => {
    it('answers each in order', async () => {
      const results = await fixture.store.consume([fresh(3), fresh(9)]);
      expect(results.map(({ remaining }) => remaining)).toEqual([2, 8]);
    });

    it('counts against none when one is exhausted, and tells which', async () => {
      const [narrow, wide] = [fresh(1), fresh(5)];
      await ask(narrow);
      const results = await fixture.store.consume([narrow, wide]);
      expect(results.map(({ allowed }) => allowed)).toEqual([false, true]);
      expect(await ask(wide)).toMatchObject({ remaining: 4 });
    });
  });
}
