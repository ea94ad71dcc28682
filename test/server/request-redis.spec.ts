import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { RedisUnavailable } from '../../src/core/redis/redis.errors.js';
import { RedisScript } from '../../src/core/redis/redis-script.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';
import { eventually } from '../support/eventually.js';
import { startRedis, startRedisCluster, type RedisCluster, type RedisProcess } from '../support/redis-server.js';
import { connectRedis } from '../support/request-redis.js';
import { TcpProxy } from '../support/tcp-proxy.js';

Logger.overrideLogger(false);

const ADD = new RedisScript('add', `return redis.call('INCRBY', KEYS[1], ARGV[1])`);

/** How long a call took to fail, in milliseconds. */
async function failure(redis: RequestRedis): Promise<number> {
  const start = performance.now();
  await expect(redis.run(ADD, [redis.key('user', 'n')], [1])).rejects.toThrow(RedisUnavailable);
  return performance.now() - start;
}

describe('RequestRedis', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let redis: RequestRedis;
  const works = (): Promise<unknown> => eventually(() => redis.run(ADD, [redis.key('user', 'n')], [1]));

  beforeAll(async () => {
    server = await startRedis();
    proxy = await TcpProxy.to('127.0.0.1', server.port);
  });
  beforeEach(async () => {
    redis = await connectRedis({ REDIS_URL: `redis://${proxy.address}` });
  });
  afterEach(() => redis.onApplicationShutdown());
  afterAll(async () => {
    await proxy.refuse();
    await server.stop();
  });

  it('loads a script that Redis does not know, and names it from then on', async () => {
    const script = new RedisScript('fresh', `return {KEYS[1], ARGV[1], ${Date.now()}}`);
    proxy.takeCommandNames();
    expect(await redis.run(script, [redis.key('user', 'a', 'b')], ['x'])).toEqual([
      'tf:{user}:a:b',
      'x',
      expect.any(Number),
    ]);
    await redis.run(script, [redis.key('user')], ['x']);
    expect(proxy.takeCommandNames()).toEqual(['EVALSHA', 'EVAL', 'EVALSHA']);
  });

  it('sends it once however many need it at the same time, as after a restart', async () => {
    const script = new RedisScript('fresh', `return {'many', ${Date.now()}}`);
    proxy.takeCommandNames();
    const many = Array.from({ length: 50 }, () => redis.run(script, [redis.key('user')], []));
    expect(await Promise.all(many)).toHaveLength(50);
    expect(proxy.takeCommandNames().filter((name) => name === 'EVAL')).toHaveLength(1);
  });

  it('throws a mistake in a script as it is, and takes Redis for no less', async () => {
    const broken = new RedisScript('broken', `return redis.call('LPUSH', KEYS[1], 'x')`);
    await redis.run(ADD, [redis.key('typed')], [1]);
    for (let n = 0; n < 5; n++) {
      await expect(redis.run(broken, [redis.key('typed')], [])).rejects.toThrow(/WRONGTYPE/);
    }
    expect(redis.isAway).toBe(false);
  });

  it('gives a frozen Redis 100 ms, then none, and is back within 5 s', async () => {
    await works();
    await server.kill('SIGSTOP');
    try {
      const first = await failure(redis);
      expect(first).toBeGreaterThan(90);
      expect(first).toBeLessThan(300);
      await failure(redis);
      await failure(redis);
      expect(redis.isAway).toBe(true);
      for (let n = 0; n < 10; n++) expect(await failure(redis)).toBeLessThan(20);
      expect(await redis.isUp()).toBe(false);
    } finally {
      await server.kill('SIGCONT');
    }
    await works();
    expect(redis.isAway).toBe(false);
  });

  it('is back within 5 s after a restart that forgot the scripts', async () => {
    await works();
    await server.kill('SIGKILL');
    for (let n = 0; n < 10; n++) expect(await failure(redis)).toBeLessThan(150);
    await server.restart();
    await works();
  });

  it('drops connections that lead nowhere', async () => {
    await works();
    proxy.forget();
    await failure(redis);
    await works();
  });

  it('takes a Redis that cannot write for away, and sees when it can', async () => {
    await works();
    const operator = new Redis(server.url);
    try {
      await operator.config('SET', 'maxmemory', '1');
      await failure(redis);
      expect(await redis.isUp()).toBe(false);
      await operator.config('SET', 'maxmemory', '0');
      await works();
      await operator.replicaof('127.0.0.1', 1);
      await failure(redis);
      expect(await redis.isUp()).toBe(false);
      await operator.replicaof('NO', 'ONE');
      await works();
    } finally {
      operator.disconnect();
    }
  });

  it('starts without Redis and finds it when it comes', async () => {
    await proxy.refuse();
    const late = await connectRedis({ REDIS_URL: `redis://${proxy.address}` });
    try {
      expect(await failure(late)).toBeLessThan(150);
      await proxy.restore();
      await eventually(() => late.run(ADD, [late.key('user')], [1]));
    } finally {
      late.onApplicationShutdown();
    }
  });

  it('works with a password and a database', async () => {
    const guarded = await startRedis({ settings: { requirepass: 'pass word' } });
    const client = await connectRedis({ REDIS_URL: `redis://:pass%20word@127.0.0.1:${guarded.port}/2` });
    const stranger = await connectRedis({ REDIS_URL: guarded.url });
    try {
      expect(await client.run(ADD, [client.key('user')], [1])).toBe(1);
      await failure(stranger);
    } finally {
      client.onApplicationShutdown();
      stranger.onApplicationShutdown();
      await guarded.stop();
    }
  });
});

describe('RequestRedis on a cluster', () => {
  let cluster: RedisCluster;
  let redis: RequestRedis;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = await connectRedis({ REDIS_CLUSTER_NODES: cluster.addresses });
  });
  afterAll(async () => {
    redis.onApplicationShutdown();
    await cluster.stop();
  });

  it('finds the server of every owner', async () => {
    const owners = Array.from({ length: 50 }, (_, n) => `user-${n}`);
    const sums = await Promise.all(owners.map((owner) => redis.run(ADD, [redis.key(owner, 'n')], [7])));
    expect(sums).toEqual(owners.map(() => 7));
    expect(redis.isCluster).toBe(true);
  });

  it('fails within the time when nodes are frozen, and is back', async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill('SIGSTOP')));
    try {
      for (let n = 0; n < 5; n++) expect(await failure(redis)).toBeLessThan(300);
    } finally {
      await Promise.all(cluster.nodes.map((node) => node.kill('SIGCONT')));
    }
    await eventually(() => redis.run(ADD, [redis.key('user')], [1]));
  });

  it('is back after all nodes were killed and came back', async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill('SIGKILL')));
    for (let n = 0; n < 5; n++) expect(await failure(redis)).toBeLessThan(300);
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await eventually(() => redis.run(ADD, [redis.key('user')], [1]), 10_000);
  });
});
