import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { CacheStore, type StoredAnswer } from '../../src/core/cache/cache.store.js';
import { MemoryCacheStore } from '../../src/core/cache/memory-cache.store.js';
import { RedisCacheStore } from '../../src/core/cache/redis-cache.store.js';
import { TaskStatsRepository } from '../../src/modules/tasks/task-stats.repository.js';
import { startTestApp } from '../support/app.js';
import { signUp } from '../support/clients.js';
import { KeepAliveClient } from '../support/fleet.js';
import { interleave, type Mishap } from '../support/interleavings.js';
import { startRedis, startRedisCluster } from '../support/redis-server.js';
import { connectRedis } from '../support/request-redis.js';
import { aTask } from '../support/tasks.js';

const CASES = 10_000;
const AT_ONCE = 50;

/** Runs the cases of all seeds up to `cases`. @returns the first history with a stale answer, for the message */
async function firstStale(stores: readonly CacheStore[], cases: number, happen?: Mishap): Promise<string | undefined> {
  let served = 0;
  for (let start = 0; start < cases; start += AT_ONCE) {
    const histories = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) => interleave(start + n, stores, randomUUID(), happen)),
    );
    const stale = histories.findIndex((log) => log.includes('STALE'));
    if (stale !== -1) return [`seed ${start + stale}`, ...histories[stale]!].join('\n');
    served += histories.flat().filter((event) => event.includes('is served')).length;
  }
  // A cache that never has anything is never stale.
  expect(served).toBeGreaterThan(cases / 10);
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

  it('on Redis, from two processes, also when a generation is lost', async () => {
    const server = await startRedis();
    const clients = await Promise.all([1, 2].map(() => connectRedis({ REDIS_URL: server.url })));
    const stores = clients.map((client) => new RedisCacheStore(client));
    const operator = new Redis(server.url);
    try {
      const evict: Mishap = (owner) => operator.del(clients[0]!.key(owner, 'generation'));
      expect(await firstStale(stores, CASES, evict)).toBeUndefined();
    } finally {
      operator.disconnect();
      for (const part of [...stores, ...clients]) part.onApplicationShutdown();
      await server.stop();
    }
  }, 60_000);

  it('on a Redis Cluster', async () => {
    const cluster = await startRedisCluster();
    const clients = await Promise.all([1, 2].map(() => connectRedis({ REDIS_CLUSTER_NODES: cluster.addresses })));
    const stores = clients.map((client) => new RedisCacheStore(client));
    try {
      expect(await firstStale(stores, CASES / 5)).toBeUndefined();
    } finally {
      for (const part of [...stores, ...clients]) part.onApplicationShutdown();
      await cluster.stop();
    }
  }, 60_000);
});

describe('a thousand who ask at once for what is not cached', () => {
  it('cost one aggregation', async () => {
    const server = await startRedis();
    const app = await startTestApp({ REDIS_URL: server.url });
    const user = await signUp(app);
    await aTask(user);
    const client = new KeepAliveClient(user.token, 1000);
    try {
      const aggregate = jest.spyOn(app.app.get(TaskStatsRepository), 'ownCounts');
      const asked = Array.from({ length: 1000 }, () => client.get(`${app.url}/api/v1/tasks/stats`));
      const answers = await Promise.all(asked);
      expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
      expect(answers[0]!.status).toBe(200);
      expect(aggregate).toHaveBeenCalledTimes(1);
    } finally {
      client.close();
      await app.close();
      await server.stop();
    }
  }, 60_000);
});
