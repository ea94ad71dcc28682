import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CacheTurns } from '../../src/core/cache/cache-turns.js';
import type { CacheEntry } from '../../src/core/cache/cached.js';

/** What processes that compute in turn promise each other. @param open two views of the same turns */
export function cacheTurnsContract(
  open: () => Promise<{ readonly turns: readonly [CacheTurns, CacheTurns]; close(): Promise<void> }>,
): void {
  let opened: Awaited<ReturnType<typeof open>>;
  let one: CacheTurns;
  let other: CacheTurns;
  let entry: CacheEntry;

  beforeAll(async () => {
    opened = await open();
    [one, other] = opened.turns;
  });
  afterAll(() => opened.close());
  beforeEach(() => {
    entry = { owner: randomUUID(), name: 'stats', ttlSeconds: 60 };
  });

  it('gives the turn to one of all who ask at once', async () => {
    const asked = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : other).take(entry, 5000));
    expect((await Promise.all(asked)).filter((end) => end !== undefined)).toHaveLength(1);
  });

  it('gives it to the next when it is ended', async () => {
    const end = await one.take(entry, 5000);
    await end!();
    expect(await other.take(entry, 5000)).toBeDefined();
  });

  it('gives it to the next when its time is over, and then it cannot be ended by who had it', async () => {
    const late = await one.take(entry, 50);
    await delay(80);
    expect(await other.take(entry, 5000)).toBeDefined();
    await late!();
    expect(await one.take(entry, 5000)).toBeUndefined();
  });

  it('keeps names and owners apart', async () => {
    await one.take(entry, 5000);
    expect(await other.take({ ...entry, name: 'list' }, 5000)).toBeDefined();
    expect(await other.take({ ...entry, owner: randomUUID() }, 5000)).toBeDefined();
  });
}
