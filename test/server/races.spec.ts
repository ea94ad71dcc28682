import { randomUUID } from 'node:crypto';
import { CacheStore, type StoredAnswer } from '../../src/core/cache/cache.store.js';
import { MemoryCacheStore } from '../../src/core/cache/memory-cache.store.js';
import { interleave, type Mishap } from '../support/interleavings.js';

const CASES = 10_000;
const AT_ONCE = 50;

/** Runs the cases of all seeds up to `cases`. @returns the first history with a stale answer, for the message */
async function firstStale(stores: readonly CacheStore[], cases: number, happen?: Mishap): Promise<string | undefined> {
  for (let start = 0; start < cases; start += AT_ONCE) {
    const histories = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) => interleave(start + n, stores, randomUUID(), happen)),
    );
    const stale = histories.findIndex((log) => log.includes('STALE'));
    if (stale !== -1) return [`seed ${start + stale}`, ...histories[stale]!].join('\n');
  }
  return undefined;
}

/** What a first idea of a cache looks like: an entry per name that a write removes. */
class EntriesWithoutGeneration extends CacheStore {
  private readonly entries = new Map<string, StoredAnswer>();

  read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }> {
    return Promise.resolve({ generation: 'none', answer: this.entries.get(owner + name) });
  }

  write(owner: string, _generation: string, name: string, answer: StoredAnswer): Promise<void> {
    this.entries.set(owner + name, answer);
    return Promise.resolve();
  }

  forget(owner: string): Promise<void> {
    for (const key of this.entries.keys()) if (key.startsWith(owner)) this.entries.delete(key);
    return Promise.resolve();
  }
}

/** Generations that are counted: right until a counter is evicted and begins again. */
class CountedGenerations extends CacheStore {
  private readonly counters = new Map<string, number>();
  private readonly entries = new Map<string, StoredAnswer>();

  read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }> {
    const generation = String(this.counters.get(owner) ?? 0);
    return Promise.resolve({ generation, answer: this.entries.get(owner + generation + name) });
  }

  write(owner: string, generation: string, name: string, answer: StoredAnswer): Promise<void> {
    this.entries.set(owner + generation + name, answer);
    return Promise.resolve();
  }

  forget(owner: string): Promise<void> {
    this.counters.set(owner, (this.counters.get(owner) ?? 0) + 1);
    return Promise.resolve();
  }

  evict(owner: string): Promise<void> {
    this.counters.delete(owner);
    return Promise.resolve();
  }
}

describe('no answer is older than a write that was acknowledged before the question', () => {
  it('which these interleavings can tell: removing entries is not enough, and a counter must not get lost', async () => {
    expect(await firstStale([new EntriesWithoutGeneration()], CASES)).toMatch(/STALE/);
    const counted = new CountedGenerations();
    expect(await firstStale([counted], 1000)).toBeUndefined();
    expect(await firstStale([counted], CASES, (owner) => counted.evict(owner))).toMatch(/STALE/);
  });

  it('in memory', async () => {
    expect(await firstStale([new MemoryCacheStore()], CASES)).toBeUndefined();
  }, 60_000);
});
