import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { CacheStore, type StoredAnswer } from '../../src/core/cache/cache.store.js';
import { MemoryCacheStore } from '../../src/core/cache/memory-cache.store.js';
import { RedisCacheStore } from '../../src/core/cache/redis-cache.store.js';
import { TaskStatsRepository } from '../../src/modules/tasks/task-stats.repository.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { KeepAliveClient } from '../support/fleet.js';
import { interleave, randomOf, type Mishap } from '../support/interleavings.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';
import { connectRedis } from '../support/request-redis.js';
import { aTask } from '../support/tasks.js';
import { TcpProxy } from '../support/tcp-proxy.js';

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
  });

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
  });

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
  });
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
  });
});

describe('whoever has been told of a write sees it', () => {
  const USERS = 8;
  const WRITES = 40;
  let server: RedisProcess;
  let proxy: TcpProxy;
  let apps: TestApp[];

  beforeAll(async () => {
    server = await startRedis();
    proxy = await TcpProxy.to('127.0.0.1', server.port);
    const REDIS_URL = `redis://${proxy.address}`;
    const first = await startTestApp({ REDIS_URL });
    apps = [first, await startTestApp({ REDIS_URL, MONGODB_URI: first.mongoUri })];
  });
  afterAll(async () => {
    for (const app of apps?.toReversed() ?? []) await app.close();
    await proxy?.refuse();
    await server?.stop();
  });

  /** One user's writer and readers, at any of these addresses. @returns what was seen too late, and the hits */
  async function crowd(
    seed: number,
    token: string,
    urls: readonly string[],
  ): Promise<{ stale: string[]; hits: number }> {
    const random = randomOf(seed);
    const at = (path: string): string => `${urls[Math.floor(random() * urls.length)]}/api/v1${path}`;
    const client = new KeepAliveClient(token);
    const stale: string[] = [];
    let acknowledged = 0;
    let hits = 0;
    const goesOn = (): boolean => acknowledged < WRITES && stale.length === 0;
    const check = async (path: string, count: (body: never) => number): Promise<void> => {
      const known = acknowledged;
      const answer = await client.get(at(path));
      if (answer.status !== 200) stale.push(`${path}: ${answer.status}`);
      else if (count(JSON.parse(answer.body) as never) < known) stale.push(`${path}: ${answer.body} after ${known}`);
      if (answer.headers['cache-status']?.includes('hit')) hits++;
    };
    const reader = async (): Promise<void> => {
      while (goesOn()) {
        if (random() < 0.5) await check('/tasks/stats', ({ total }: { total: number }) => total);
        else await check('/tasks?limit=100', ({ items }: { items: object[] }) => items.length);
      }
    };
    const writer = async (): Promise<void> => {
      while (goesOn()) {
        const { status } = await client.post(at('/tasks'), { title: 'One more' });
        if (status === 201) acknowledged++;
        else stale.push(`write: ${status}`);
        await delay(random() * 10);
      }
    };
    await Promise.all([writer(), reader(), reader(), reader()]);
    client.close();
    return { stale, hits };
  }

  const someUsers = (): Promise<Client[]> => Promise.all(Array.from({ length: USERS }, () => signUp(apps[0]!)));

  async function crowds(users: readonly Client[], urls: readonly string[]): Promise<{ stale: string[]; hits: number }> {
    const all = await Promise.all(users.map(({ token }, n) => crowd(n, token, urls)));
    return { stale: all.flatMap(({ stale }) => stale), hits: all.reduce((sum, { hits }) => sum + hits, 0) };
  }

  it('at two processes', async () => {
    const { stale, hits } = await crowds(
      await someUsers(),
      apps.map(({ url }) => url),
    );
    expect(stale).toEqual([]);
    expect(hits).toBeGreaterThan(0);
  });

  it('at the process that wrote, while Redis comes and goes', async () => {
    const end = new AbortController();
    const weather = async (): Promise<void> => {
      const random = randomOf(1);
      while (!end.signal.aborted) {
        await delay(random() * 300);
        const isFrozen = random() < 0.5;
        if (isFrozen) proxy.freeze();
        else await proxy.refuse();
        await delay(random() * 300);
        if (isFrozen) proxy.thaw();
        else await proxy.restore();
      }
    };
    const users = await someUsers();
    const storm = weather();
    const { stale } = await crowds(users, [apps[0]!.url]).finally(() => end.abort());
    await storm;
    expect(stale).toEqual([]);
  });
});
