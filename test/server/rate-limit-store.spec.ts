import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { MemoryRateLimitStore } from '../../src/core/rate-limit/memory-rate-limit.store.js';
import { RedisRateLimitStore } from '../../src/core/rate-limit/redis-rate-limit.store.js';
import type { RateLimit, RateLimitStore } from '../../src/core/rate-limit/rate-limit.store.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';
import { rateLimitStoreContract } from '../contract/rate-limit-store.contract.js';
import { eventually } from '../support/eventually.js';
import { connectRedis } from '../support/request-redis.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';

Logger.overrideLogger(false);

const local = (): RateLimitStore => new MemoryRateLimitStore({ now: () => new Date() });

describe('the rate limit store on Redis', () => {
  rateLimitStoreContract(async () => {
    const server = await startRedis();
    const redis = await connectRedis({ REDIS_URL: server.url });
    return {
      store: new RedisRateLimitStore(redis, local(), 1),
      later: delay,
      close: () => {
        redis.onApplicationShutdown();
        return server.stop();
      },
    };
  });
});

describe('the rate limit store on a Redis Cluster', () => {
  rateLimitStoreContract(async () => {
    const cluster = await startRedisCluster();
    const redis = await connectRedis({ REDIS_CLUSTER_NODES: cluster.addresses });
    return {
      store: new RedisRateLimitStore(redis, local(), 1),
      later: delay,
      close: () => {
        redis.onApplicationShutdown();
        return cluster.stop();
      },
    };
  });
});

describe('the rate limit store of several processes', () => {
  let server: RedisProcess;
  let connections: RequestRedis[];
  let stores: RateLimitStore[];
  const limit = (key: string, most: number): RateLimit => ({ key, limit: most, windowSeconds: 60 });
  const allowed = async (asked: readonly Promise<readonly { allowed: boolean }[]>[]): Promise<number> =>
    (await Promise.all(asked)).filter(([result]) => result!.allowed).length;

  beforeAll(async () => {
    server = await startRedis();
    connections = await Promise.all([1, 2, 3].map(() => connectRedis({ REDIS_URL: server.url })));
    stores = connections.map((redis) => new RedisRateLimitStore(redis, local(), 3));
  });
  afterAll(async () => {
    for (const redis of connections) redis.onApplicationShutdown();
    await server.stop();
  });

  it('lets exactly the limit through, all processes together', async () => {
    const key = randomUUID();
    let passed = 0;
    // A thousand at one go would be more than a busy machine answers within the time that Redis has.
    for (let wave = 0; wave < 10; wave++) {
      const asked = Array.from({ length: 100 }, (_, n) => stores[n % 3]!.consume([limit(key, 300)]));
      passed += await allowed(asked);
    }
    expect(passed).toBe(300);
  });

  it('keeps a counter no longer than it matters', async () => {
    const operator = new Redis(server.url);
    try {
      const key = randomUUID();
      await stores[0]!.consume([limit(key, 5)]);
      const ms = await operator.pttl(connections[0]!.key(key, 'limit'));
      expect(ms).toBeGreaterThan(119_000);
      expect(ms).toBeLessThanOrEqual(120_000);
    } finally {
      operator.disconnect();
    }
  });

  it('keeps the counters of a user where everything of the user is', async () => {
    const operator = new Redis(server.url);
    try {
      const owner = randomUUID();
      await stores[0]!.consume([{ ...limit('requests', 5), owner }]);
      expect(await operator.keys(`*${owner}*`)).toEqual([`tf:{${owner}}:limit:requests`]);
    } finally {
      operator.disconnect();
    }
  });

  describe('while Redis is away', () => {
    beforeAll(() => server.kill('SIGKILL'));
    afterAll(async () => {
      await server.restart();
      await eventually(() => expect(connections.some(({ isAway }) => isAway)).toBe(false));
    });

    it('lets each process have its part', async () => {
      const key = randomUUID();
      for (const store of stores) {
        expect(await allowed(Array.from({ length: 200 }, () => store.consume([limit(key, 300)])))).toBe(100);
      }
    });

    it('is never open, however small the part', async () => {
      const one = limit(randomUUID(), 1);
      expect(await allowed(Array.from({ length: 50 }, () => stores[0]!.consume([one])))).toBe(1);
    });
  });

  it('counts together again when Redis is back', async () => {
    const key = randomUUID();
    const asked = Array.from({ length: 100 }, (_, n) => stores[n % 3]!.consume([limit(key, 30)]));
    expect(await allowed(asked)).toBe(30);
  });
});
