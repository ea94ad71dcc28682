import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { requestContext } from '../../src/core/logging/request-context.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { scrape } from '../support/scrape.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('a request on Redis', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let app: TestApp;
  let user: Client;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await TcpProxy.to('127.0.0.1', server.port);
    app = await startTestApp({
      REDIS_URL: `redis://${proxy.address}`,
      RATE_LIMIT_PER_MINUTE: '100',
      // Relays and queues speak with Redis whenever they want.
      ROLE: 'api',
    });
  });
  beforeEach(async () => {
    user = await signUp(app);
  });
  afterAll(async () => {
    await app.close();
    await proxy.refuse();
    await server.stop();
  });

  /** The commands that a request sends; what runs beside it sends a PING from time to time. */
  const commandsOf = async (work: () => PromiseLike<unknown>): Promise<string[]> => {
    proxy.takeCommandNames();
    await work();
    return proxy.takeCommandNames().filter((name) => name !== 'PING');
  };

  it.each(['/tasks/stats', '/tasks', '/users/me'])('is one round trip for a hit of %s', async (path) => {
    await user.get(path).expect(200);
    await user.get(path).expect(200).expect('cache-status', 'taskflow; hit');
    const commands = await commandsOf(() => user.get(path).expect('cache-status', 'taskflow; hit'));
    expect(commands).toEqual(['EVALSHA']);
  });

  it('is two for a miss: what is there, and what is there now', async () => {
    await user.get('/users/me').expect(200);
    await user.get('/tasks/stats').expect('cache-status', 'taskflow; fwd=miss');
    await user.post('/tasks').send({ title: 'makes the next read a miss' }).expect(201);
    const commands = await commandsOf(() => user.get('/tasks/stats').expect('cache-status', 'taskflow; fwd=miss'));
    expect(commands).toEqual(['EVALSHA', 'EVALSHA']);
  });

  it('asks MongoDB nothing for a hit', async () => {
    // What runs beside the requests has no request to belong to.
    const operations: string[] = [];
    mongoose.set('debug', (collection: string, operation: string) => {
      if (requestContext.getStore()) operations.push(`${collection}.${operation}`);
    });
    try {
      await user.get('/tasks/stats').expect('cache-status', 'taskflow; fwd=miss');
      expect(operations).toContain('tasks.aggregate');
      operations.length = 0;
      for (let n = 0; n < 5; n++) await user.get('/tasks/stats').expect('cache-status', 'taskflow; hit');
      expect(operations).toEqual([]);
    } finally {
      mongoose.set('debug', false);
    }
  });

  it('counts against the limit and says so on a hit', async () => {
    await user.get('/tasks/stats').expect(200);
    const first = await user.get('/tasks/stats').expect('ratelimit-policy', '"default";q=100;w=60');
    const second = await user.get('/tasks/stats').expect(200);
    const remaining = (header: string | undefined): number => Number(/r=(\d+)/.exec(header ?? '')?.[1]);
    expect(remaining(second.headers['ratelimit'])).toBe(remaining(first.headers['ratelimit']) - 1);
  });

  it('is refused when it is one too many, cached or not', async () => {
    const answers = await Promise.all(Array.from({ length: 130 }, () => user.get('/tasks/stats')));
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBe(100);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  describe('with a token that another process has ended', () => {
    let operator: Redis;
    beforeAll(() => {
      operator = new Redis(server.url);
    });
    afterAll(() => operator.disconnect());

    it('is refused by the ended session in Redis alone', async () => {
      await user.get('/tasks/stats').expect(200);
      const { body } = await user.get('/auth/sessions').expect(200);
      const { id } = (body as { items: { id: string }[] }).items[0]!;
      await operator.set(`tf:{${user.user.id}}:ended:${id}`, '1', 'PX', 60_000);
      await user
        .get('/tasks/stats')
        .expect(401)
        .expect('content-type', /problem/);
      await user.post('/tasks').send({ title: 'no' }).expect(401);
    });

    it('is refused by the raised version in Redis alone, and not by an ended session of somebody else', async () => {
      await operator.set(`tf:{${user.user.id}}:ended:${randomUUID()}`, '1', 'PX', 60_000);
      await user.get('/tasks/stats').expect(200);
      await operator.set(`tf:{${user.user.id}}:minver`, '1000', 'PX', 60_000);
      await user.get('/tasks/stats').expect(401);
    });
  });

  it('is answered from MongoDB while Redis is away, and waits for it once at most', async () => {
    const waits = async (): Promise<number> =>
      (await scrape(app)).value('taskflow_redis_failures_total', { reason: 'timeout' });
    await user.get('/tasks/stats').expect(200);
    proxy.freeze();
    try {
      for (let n = 0; n < 6; n++) {
        const before = await waits();
        const { status, body } = await user.get('/tasks/stats');
        expect((await waits()) - before).toBeLessThanOrEqual(1);
        expect({ status, total: (body as { total: number }).total }).toEqual({ status: 200, total: n });
        await user.post('/tasks').send({ title: 'written without Redis' }).expect(201);
      }
    } finally {
      proxy.thaw();
    }
    await eventually(async () => {
      await user.get('/tasks/stats').expect('cache-status', 'taskflow; hit');
    });
    expect((await user.get('/tasks/stats')).body).toMatchObject({ total: 6 });
  });
});

describe('a request on a Redis Cluster', () => {
  it('is served from the cache, limited, and sees its own writes', async () => {
    const cluster = await startRedisCluster();
    const app = await startTestApp({ REDIS_CLUSTER_NODES: cluster.addresses });
    try {
      const users = await Promise.all(Array.from({ length: 8 }, () => signUp(app)));
      for (const user of users) {
        await user.get('/tasks/stats').expect('cache-status', 'taskflow; fwd=miss');
        await user.get('/tasks/stats').expect('cache-status', 'taskflow; hit');
        await user.post('/tasks').send({ title: 'mine' }).expect(201);
        const { body } = await user.get('/tasks/stats').expect('cache-status', 'taskflow; fwd=miss');
        expect(body).toMatchObject({ total: 1 });
      }
    } finally {
      await app.close();
      await cluster.stop();
    }
  });
});
