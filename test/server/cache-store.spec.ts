import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisCacheStore } from '../../src/core/cache/redis-cache.store.js';
import { RedisUnavailable } from '../../src/core/redis/redis.errors.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';
import { cacheStoreContract } from '../contract/cache-store.contract.js';
import { eventually } from '../support/eventually.js';
import { connectRedis } from '../support/request-redis.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';

Logger.overrideLogger(false);

describe('the cache store on Redis', () => {
  cacheStoreContract(async () => {
    const server = await startRedis();
    const redis = await connectRedis({ REDIS_URL: server.url });
    return {
      store: new RedisCacheStore(redis),
      later: delay,
      close: () => {
        redis.onApplicationShutdown();
        return server.stop();
      },
    };
  });
});

describe('the cache store on a Redis Cluster', () => {
  cacheStoreContract(async () => {
    const cluster = await startRedisCluster();
    const redis = await connectRedis({ REDIS_CLUSTER_NODES: cluster.addresses });
    return {
      store: new RedisCacheStore(redis),
      later: delay,
      close: () => {
        redis.onApplicationShutdown();
        return cluster.stop();
      },
    };
  });
});

describe('the cache store and long answers', () => {
  it('keeps none that would fill Redis for everybody', async () => {
    const server = await startRedis();
    const redis = await connectRedis({ REDIS_URL: server.url });
    try {
      const store = new RedisCacheStore(redis);
      const { generation } = await store.read('ada', 'list');
      const write = (length: number) =>
        store.write('ada', generation, 'list', { body: 'x'.repeat(length), etag: '"x"' }, 60_000);
      await write(128 * 1024 + 1);
      expect((await store.read('ada', 'list')).answer).toBeUndefined();
      await write(128 * 1024);
      expect((await store.read('ada', 'list')).answer?.body).toHaveLength(128 * 1024);
    } finally {
      redis.onApplicationShutdown();
      await server.stop();
    }
  });
});

describe('the cache store when Redis fails', () => {
  const answer = { body: '"old"', etag: '"old"' };
  let server: RedisProcess;
  let redis: RequestRedis;
  let store: RedisCacheStore;
  let owner: string;

  beforeEach(async () => {
    server = await startRedis();
    redis = await connectRedis({ REDIS_URL: server.url });
    store = new RedisCacheStore(redis);
    owner = randomUUID();
    const { generation } = await store.read(owner, 'stats');
    await store.write(owner, generation, 'stats', answer, 60_000);
    expect((await store.read(owner, 'stats')).answer).toEqual(answer);
  });
  afterEach(async () => {
    store.onApplicationShutdown();
    redis.onApplicationShutdown();
    await server.stop();
  });

  it('has nothing, and says so', async () => {
    await server.kill('SIGKILL');
    await expect(store.read(owner, 'stats')).rejects.toThrow(RedisUnavailable);
    await expect(store.write(owner, 'x', 'stats', answer, 1000)).rejects.toThrow(RedisUnavailable);
  });

  it('does not serve what could not be forgotten, and forgets it as soon as it can', async () => {
    const unseen = randomUUID();
    await server.kill('SIGSTOP');
    try {
      await store.forget(owner);
      await expect(store.read(owner, 'stats')).rejects.toThrow(RedisUnavailable);
    } finally {
      await server.kill('SIGCONT');
    }
    // Whatever the first moment is at which the cache answers again: what it has is not the old answer.
    const read = await eventually(() => store.read(owner, 'stats'));
    expect(read.answer).toBeUndefined();
    expect((await store.read(unseen, 'stats')).answer).toBeUndefined();
  });

  it('forgets in a Redis that is out of memory', async () => {
    const operator = new Redis(server.url);
    try {
      await operator.config('SET', 'maxmemory', '1');
      await store.forget(owner);
      expect(await operator.exists(redis.key(owner, 'generation'))).toBe(0);
    } finally {
      operator.disconnect();
    }
  });

  it('does not believe an older state that a restart brings back', async () => {
    const operator = new Redis(server.url);
    await operator.save();
    operator.disconnect();
    await store.forget(owner);
    await server.restart();
    const reader = new RedisCacheStore(redis);
    const read = await eventually(() => reader.read(owner, 'stats'));
    expect(read.answer).toBeUndefined();
  });

  it('survives that everything is flushed, scripts too', async () => {
    const operator = new Redis(server.url);
    try {
      await operator.flushall();
      await operator.script('FLUSH');
    } finally {
      operator.disconnect();
    }
    const read = await store.read(owner, 'stats');
    expect(read.answer).toBeUndefined();
    await store.write(owner, read.generation, 'stats', answer, 60_000);
    expect((await store.read(owner, 'stats')).answer).toEqual(answer);
  });
});
