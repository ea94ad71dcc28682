import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { SubscriberRedis } from '../../src/core/redis/subscriber-redis.js';
import { eventually } from '../support/eventually.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

Logger.overrideLogger(false);

const keys = generateJwtKey();

/** A subscriber of `news` that notes what it is told. */
async function subscribe(
  environment: Record<string, string>,
): Promise<{ subscriber: SubscriberRedis; told: string[] }> {
  const server = { MONGODB_URI: 'mongodb://nowhere', JWT_KEYS: keys, SECRET_KEY: 'x'.repeat(32) };
  const subscriber = new SubscriberRedis(loadConfig({ ...server, ...environment }));
  const told: string[] = [];
  subscriber.listen('news', {
    onMessage: (message) => told.push(message),
    onJoined: () => told.push('joined'),
    onLost: () => told.push('lost'),
  });
  await subscriber.onApplicationBootstrap();
  return { subscriber, told };
}

describe('SubscriberRedis', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let publisher: Redis;
  let subscriber: SubscriberRedis | undefined;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await TcpProxy.to('127.0.0.1', server.port);
    publisher = new Redis(server.url);
  });
  afterEach(() => subscriber?.onApplicationShutdown());
  afterAll(async () => {
    publisher.disconnect();
    await proxy.refuse();
    await server.stop();
  });
  const open = async (): Promise<string[]> => {
    const opened = await subscribe({ REDIS_URL: `redis://${proxy.address}` });
    subscriber = opened.subscriber;
    return opened.told;
  };

  it('hears what is said after it joined', async () => {
    const told = await open();
    await publisher.publish('news', 'first');
    await publisher.publish('other', 'not for us');
    await publisher.publish('news', 'second');
    await eventually(() => expect(told).toEqual(['joined', 'first', 'second']));
  });

  it('says when it missed messages, and from when on it hears again', async () => {
    const told = await open();
    await proxy.refuse();
    await eventually(() => expect(told).toEqual(['joined', 'lost']), 1000);
    await publisher.publish('news', 'missed');
    await proxy.restore();
    await eventually(() => expect(told).toEqual(['joined', 'lost', 'joined']));
    await publisher.publish('news', 'heard');
    await eventually(() => expect(told.slice(3)).toEqual(['heard']));
  });

  it('notices within two seconds that the other side went silent', async () => {
    const told = await open();
    proxy.forget();
    await eventually(() => expect(told).toEqual(['joined', 'lost']), 2000);
    await eventually(() => expect(told).toEqual(['joined', 'lost', 'joined']));
  });

  it('joins later when there is no Redis at the start', async () => {
    await proxy.refuse();
    const told = await open();
    expect(told).toEqual([]);
    await proxy.restore();
    await eventually(() => expect(told).toEqual(['joined']));
  });

  it('hears in a cluster what is said on any node, and goes to another when its own is gone', async () => {
    const cluster = await startRedisCluster();
    const { subscriber: ours, told } = await subscribe({ REDIS_CLUSTER_NODES: cluster.addresses });
    const other = new Redis(cluster.nodes[2]!.url);
    try {
      await other.publish('news', 'far');
      await eventually(() => expect(told).toEqual(['joined', 'far']));
      await cluster.nodes[0]!.kill('SIGKILL');
      await eventually(() => expect(told.slice(2)).toEqual(['lost', 'joined']));
      await other.publish('news', 'still');
      await eventually(() => expect(told.at(-1)).toBe('still'));
    } finally {
      ours.onApplicationShutdown();
      other.disconnect();
      await cluster.stop();
    }
  });
});
