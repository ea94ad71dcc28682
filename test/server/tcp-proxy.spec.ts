import { Redis } from 'ioredis';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('the proxy in front of Redis', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let client: Redis;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    proxy = await TcpProxy.to('127.0.0.1', server.port);
    client = new Redis(`redis://${proxy.address}`, { enableReadyCheck: false, retryStrategy: () => 20 });
    client.on('error', () => undefined);
    await client.ping();
    proxy.takeCommandNames();
  });
  afterEach(async () => {
    client.disconnect();
    await proxy.refuse();
  });

  test('counts commands, each of a pipeline, and those of a script once', async () => {
    const before = proxy.commands;
    await client.pipeline().set('a', 'x'.repeat(200_000)).get('a').exec();
    await client.eval("redis.call('SET', KEYS[1], '*1') return redis.call('GET', KEYS[1])", 1, 'b');
    await client.set('c', '*2\r\n$3\r\nGET\r\n');
    expect(proxy.commands - before).toBe(4);
    expect(proxy.takeCommandNames()).toEqual(['SET', 'GET', 'EVAL', 'SET']);
  });

  test('makes answers late, and keeps their order when it ends', async () => {
    proxy.delay(80);
    const begun = performance.now();
    const late = client.echo('late').then((text) => [text, performance.now() - begun] as const);
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.delay(0);
    const soon = client.echo('soon').then((text) => [text, performance.now() - begun] as const);
    const [[first, firstMs], [second, secondMs]] = await Promise.all([late, soon]);
    expect([first, second]).toEqual(['late', 'soon']);
    expect(firstMs).toBeGreaterThanOrEqual(79);
    expect(secondMs).toBeGreaterThanOrEqual(firstMs);
  });

  test('forgets a connection that stays open to the client, and takes new ones', async () => {
    expect(proxy.connections).toBe(1);
    proxy.forget();
    const lost = client.ping();
    lost.catch(() => undefined);
    const another = new Redis(`redis://${proxy.address}`);
    expect(await another.ping()).toBe('PONG');
    expect(client.status).toBe('ready');
    expect(proxy.connections).toBe(2);
    another.disconnect();
  });

  test('refuses and comes back', async () => {
    await proxy.refuse();
    expect(proxy.connections).toBe(0);
    await proxy.restore();
    expect(await client.ping()).toBe('PONG');
  });
});
