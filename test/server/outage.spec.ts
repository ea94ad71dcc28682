import { Redis } from 'ioredis';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Response } from 'supertest';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { freePort, startRedis, type RedisProcess } from '../support/redis-server.js';
import { aTask } from '../support/tasks.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Milliseconds that Redis may cost a request, whatever happens to it. */
const BUDGET_MS = 500;
const RECOVERY_MS = 5000;

/** What can happen to Redis, and how it ends. The application reaches it through the proxy, `admin` does not. */
interface Outage {
  readonly begin: (at: Scene) => Promise<unknown> | void;
  readonly end: (at: Scene) => Promise<unknown> | void;
}

interface Scene {
  readonly redis: RedisProcess;
  readonly proxy: TcpProxy;
  readonly admin: Redis;
}

const nothing = (): void => undefined;

/** Redis cannot keep a session: nobody's token can be renewed, and nobody is logged out by that. */
const AWAY: Record<string, Outage> = {
  'killed (kill -9)': { begin: ({ redis }) => redis.kill('SIGKILL'), end: ({ redis }) => redis.restart() },
  'frozen (SIGSTOP)': { begin: ({ redis }) => redis.kill('SIGSTOP'), end: ({ redis }) => redis.kill('SIGCONT') },
  'behind a lost route': { begin: ({ proxy }) => proxy.freeze(), end: ({ proxy }) => proxy.thaw() },
  'read-only (a replica)': {
    begin: async ({ admin }) => admin.replicaof('127.0.0.1', await freePort()),
    end: ({ admin }) => admin.replicaof('NO', 'ONE'),
  },
  'out of memory': {
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1mb'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
  },
};

/** Redis serves, if badly, or serves again at once. */
const PRESENT: Record<string, Outage> = {
  '80 ms further away': { begin: ({ proxy }) => proxy.delay(80), end: ({ proxy }) => proxy.delay(0) },
  'no longer at the other end of open connections': {
    begin: ({ proxy }) => proxy.forget(),
    // The queues, for which no request waits, would find out by themselves within half a minute.
    end: ({ proxy }) => proxy.closeForgotten(),
  },
  'emptied (FLUSHALL)': { begin: ({ admin }) => admin.flushall(), end: nothing },
  'restarted, without its data': { begin: ({ redis }) => redis.restart(), end: nothing },
};

/** Somebody with a task, and somebody whose session is over. */
interface Residents {
  readonly user: Client;
  readonly ended: Client;
  readonly taskId: string;
  total: number;
}

async function residents(app: TestApp): Promise<Residents> {
  const [user, ended] = await Promise.all([signUp(app), signUp(app)]);
  await ended.post('/auth/logout').expect(204);
  const { id } = await aTask(user);
  return { user, ended, taskId: id, total: 1 };
}

/** One of each ordinary request; all are answered rightly. @returns milliseconds that each took */
async function usual(who: Residents): Promise<number[]> {
  const { user, ended, taskId } = who;
  const times: number[] = [];
  const timed = async (send: () => PromiseLike<Response>): Promise<Response> => {
    const begun = performance.now();
    const answer = await send();
    times.push(performance.now() - begun);
    return answer;
  };
  const { status, body } = await timed(() => user.get('/tasks/stats'));
  expect({ status, total: body.total }).toEqual({ status: 200, total: who.total });
  const statuses = [
    await timed(() => user.get('/tasks')),
    await timed(() => user.get(`/tasks/${taskId}`)),
    await timed(() => user.get('/users/me')),
    await timed(() => user.patch(`/tasks/${taskId}`).send({ description: `${who.total}` })),
    await timed(() => user.post('/tasks').send({ title: 'One more' })),
    await timed(() => ended.get('/users/me')),
  ].map((answer) => answer.status);
  expect(statuses).toEqual([200, 200, 200, 200, 201, 401]);
  who.total++;
  const after = await timed(() => user.get('/tasks/stats'));
  expect({ status: after.status, total: after.body.total }).toEqual({ status: 200, total: who.total });
  return times;
}

/** Ordinary requests for a while. @returns how much longer any of them took than without the outage, in milliseconds */
async function costOf(who: Residents, usually: readonly number[], forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  let worst = 0;
  do {
    const times = await usual(who);
    worst = Math.max(worst, ...times.map((ms, n) => ms - (usually[n] ?? 0)));
  } while (performance.now() < until);
  return worst;
}

const refresh = (app: TestApp, refreshToken: string): PromiseLike<Response> =>
  app.http.post('/api/v1/auth/refresh').send({ refreshToken });

/** Redis is used for everything again. */
async function recovered(app: TestApp, who: Residents): Promise<void> {
  const begun = performance.now();
  await eventually(async () => {
    expect((await app.http.get('/api/health/ready').expect(200)).body).toMatchObject({ status: 'ok' });
    await who.user.get('/tasks/stats').expect(200);
    expect((await who.user.get('/tasks/stats')).headers['cache-status']).toBe('taskflow; hit');
    const fresh = await signUp(app);
    expect((await refresh(app, fresh.refreshToken)).status).toBe(200);
  }, RECOVERY_MS);
  expect(performance.now() - begun).toBeLessThan(RECOVERY_MS);
  await who.ended.get('/users/me').expect(401);
}

describe('when Redis is', () => {
  let scene: Scene;
  let app: TestApp;
  let usually: number[];
  let sockets: number;

  beforeAll(async () => {
    const redis = await startRedis();
    const proxy = await TcpProxy.to('127.0.0.1', redis.port);
    const admin = new Redis(redis.url, { retryStrategy: () => 50 });
    admin.on('error', nothing);
    scene = { redis, proxy, admin };
    app = await startTestApp({ REDIS_URL: `redis://${proxy.address}` });
    const who = await residents(app);
    await usual(who);
    usually = await usual(who);
    sockets = proxy.connections;
  });
  afterAll(async () => {
    await app?.close();
    scene?.admin.disconnect();
    await scene?.proxy.refuse();
    await scene?.redis.stop();
  });

  /** Leaves as many connections as there were: none is lost and none is left over. */
  const expectSockets = (): Promise<void> =>
    eventually(() => expect(scene.proxy.connections).toBe(sockets), RECOVERY_MS);

  it.each(Object.keys(AWAY))(
    '%s, reads and ordinary writes go on, refresh is 503, and all is well soon after',
    async (name) => {
      const { begin, end } = AWAY[name]!;
      const who = await residents(app);
      await usual(who);
      await begin(scene);
      try {
        expect(await costOf(who, usually, 1500)).toBeLessThan(BUDGET_MS);
        const refused = await refresh(app, who.user.refreshToken);
        expectProblem(refused, 503, 'store.unavailable');
        const ready = await app.http.get('/api/health/ready').expect(200);
        expect(ready.body).toMatchObject({ status: 'degraded', checks: { redis: 'down' } });
        await app.http.get('/api/health/live').expect(200);
      } finally {
        await end(scene);
      }
      await recovered(app, who);
      expect(await costOf(who, usually, 0)).toBeLessThan(BUDGET_MS);
      await expectSockets();
    },
    30_000,
  );

  it.each(Object.keys(PRESENT))(
    '%s, nobody notices more than a moment of slowness',
    async (name) => {
      const { begin, end } = PRESENT[name]!;
      const who = await residents(app);
      await usual(who);
      await begin(scene);
      try {
        expect(await costOf(who, usually, 1500)).toBeLessThan(BUDGET_MS);
        await recovered(app, who);
      } finally {
        await end(scene);
      }
      await expectSockets();
    },
    30_000,
  );

  it('away, the client of a session that was refused a new token has not lost it', async () => {
    const user = await signUp(app);
    scene.proxy.freeze();
    expectProblem(await refresh(app, user.refreshToken), 503, 'store.unavailable');
    scene.proxy.thaw();
    await eventually(async () => expect((await refresh(app, user.refreshToken)).status).toBe(200), RECOVERY_MS);
  });
});

describe('a process', () => {
  let scene: Pick<Scene, 'redis' | 'proxy'>;
  let app: TestApp | undefined;

  beforeEach(async () => {
    const redis = await startRedis();
    scene = { redis, proxy: await TcpProxy.to('127.0.0.1', redis.port) };
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await scene.proxy.refuse();
    await scene.redis.stop();
  });

  const start = async (environment: Record<string, string> = {}): Promise<TestApp> => {
    app = await startTestApp({ REDIS_URL: `redis://${scene.proxy.address}`, ...environment });
    return app;
  };

  it('starts without Redis, serves, and uses it when it comes', async () => {
    await scene.redis.kill('SIGKILL');
    const running = await start();
    await running.http.get('/api/health/ready').expect(200);
    await scene.redis.restart();
    const who = await eventually(() => residents(running), RECOVERY_MS);
    await usual(who);
    await recovered(running, who);
  });

  it('allows its part of the limit while Redis is away, and no more', async () => {
    const running = await start({ RATE_LIMIT_PER_MINUTE: '40', API_INSTANCES: '2' });
    const user = await signUp(running);
    await scene.redis.kill('SIGKILL');
    const statuses: number[] = [];
    for (let n = 0; n < 50; n++) statuses.push((await user.get('/users/me')).status);
    const passed = statuses.filter((status) => status === 200).length;
    expect(passed).toBe(20);
    expect(statuses.lastIndexOf(200)).toBe(passed - 1);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });

  it('loses neither memory nor sockets when Redis comes and goes twenty times', async () => {
    const running = await start();
    const who = await residents(running);
    const sockets = scene.proxy.connections;
    const heap: number[] = [];
    for (let time = 0; time < 20; time++) {
      await scene.proxy.refuse();
      await costOf(who, [], 0);
      await scene.proxy.restore();
      await eventually(async () => {
        await who.user.get('/tasks/stats');
        expect((await who.user.get('/tasks/stats')).headers['cache-status']).toBe('taskflow; hit');
      }, RECOVERY_MS);
      await eventually(() => expect(scene.proxy.connections).toBe(sockets), RECOVERY_MS);
      heap.push(usedHeap());
    }
    // The first half warms up.
    expect(heap.at(-1)! - heap[9]!).toBeLessThan(4 * 2 ** 20);
  });
});

/** Bytes that are really in use. */
function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
