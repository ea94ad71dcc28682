import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { QueueRedis } from '../../src/core/redis/queue-redis.js';
import { eventually } from '../support/eventually.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

Logger.overrideLogger(false);

const keys = generateJwtKey();

function open(environment: Record<string, string>): QueueRedis {
  const server = { MONGODB_URI: 'mongodb://nowhere', JWT_KEYS: keys, SECRET_KEY: 'x'.repeat(32) };
  return new QueueRedis(loadConfig({ ...server, ...environment }));
}

describe('QueueRedis', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let queue: QueueRedis;
  /** Another client, past the proxy. */
  let other: Redis;

  beforeEach(async () => {
    server = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } });
    proxy = await TcpProxy.to('127.0.0.1', server.port);
    other = new Redis(server.url);
    other.on('error', () => undefined);
    queue = open({ REDIS_URL: `redis://${proxy.address}` });
  });
  afterEach(async () => {
    queue.onApplicationShutdown();
    other.disconnect();
    await proxy.refuse();
    await server.stop();
  });
  const connections = async (): Promise<number> => {
    const list = (await other.client('LIST')) as string;
    return list.trim().split('\n').length - 1;
  };

  it('has no connection before its first command', async () => {
    expect(queue.client.status).toBe('wait');
    expect(await connections()).toBe(0);
    await queue.client.ping();
    expect(await connections()).toBe(1);
  });

  it('keeps what it is given while Redis is away, from before the first contact on', async () => {
    await proxy.refuse();
    const added = [1, 2, 3].map((job) => queue.client.rpush('jobs', job));
    await eventually(() => expect(queue.client.status).toBe('reconnecting'));
    await proxy.restore();
    await Promise.all(added);
    expect(await other.lrange('jobs', 0, -1)).toEqual(['1', '2', '3']);
  });

  it('goes on waiting for a job across a restart of Redis', async () => {
    const job = queue.client.blpop('jobs', 0);
    await eventually(async () => expect(await other.client('LIST')).toContain('cmd=blpop'));
    await server.restart();
    await eventually(async () => expect(await other.client('LIST')).toContain('cmd=blpop'));
    await other.rpush('jobs', 'after the restart');
    await expect(job).resolves.toEqual(['jobs', 'after the restart']);
  });

  it('gives up a connection that the other side has forgotten, and sends again', async () => {
    await queue.client.ping();
    proxy.forget();
    await expect(queue.client.rpush('jobs', 'late')).resolves.toBe(1);
  });

  it('ends at once, also while it waits for a job', async () => {
    const job = queue.client.blpop('jobs', 0);
    const ended = job.then(
      () => 'a job',
      (error: Error) => error.message,
    );
    await eventually(async () => expect(await other.client('LIST')).toContain('cmd=blpop'));
    queue.onApplicationShutdown();
    expect(await ended).toBe('Connection is closed.');
    await eventually(async () => expect(await connections()).toBe(0));
  });

  it('finds the right server of a cluster, and finds it again after a restart', async () => {
    const cluster = await startRedisCluster();
    const clustered = open({ REDIS_CLUSTER_NODES: cluster.addresses });
    try {
      // Three tags, of which no two lie on one server.
      for (const tag of ['{a}', '{b}', '{c}']) await clustered.client.rpush(`jobs:${tag}`, 'before');
      await cluster.nodes[0]!.restart();
      const added = ['{a}', '{b}', '{c}'].map((tag) => clustered.client.rpush(`jobs:${tag}`, 'after'));
      const lengths = await Promise.all(added);
      // The one that restarted keeps nothing on disk.
      expect([...lengths].sort((x, y) => x - y)).toEqual([1, 2, 2]);
    } finally {
      clustered.onApplicationShutdown();
      await cluster.stop();
    }
  });
});
