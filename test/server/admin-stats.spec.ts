import { setTimeout as delay } from 'node:timers/promises';
import { Clock } from '../../src/core/time/clock.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { signUpAdmin, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { taskModel } from '../support/tasks.js';

/** Two applications on one database and one Redis, and one admin who is signed in at both. */
describe('GET /admin/stats of several processes', () => {
  let redis: RedisProcess;
  let database: { uri: string; close(): Promise<void> };
  let apps: TestApp[];
  let admin: Client;
  let runs: jest.SpyInstance[];

  beforeEach(async () => {
    redis = await startRedis();
    database = await startTestDatabase();
    const environment = { REDIS_URL: redis.url, MONGODB_URI: database.uri };
    apps = [await startTestApp(environment), await startTestApp(environment)];
    admin = await signUpAdmin(apps[0]!);
    runs = apps.map((app) => slowed(taskModel(app)));
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    await database.close();
    await redis.stop();
  });

  /** What each aggregation waits for: long enough for all requests to come meanwhile. */
  let meanwhile: () => Promise<unknown>;
  beforeEach(() => {
    meanwhile = () => delay(300);
  });

  function slowed(model: ReturnType<typeof taskModel>): jest.SpyInstance {
    const aggregate = model.aggregate.bind(model) as (...args: unknown[]) => PromiseLike<unknown>;
    return jest.spyOn(model, 'aggregate').mockImplementation(((...args: unknown[]) => {
      const result = aggregate(...args);
      const then = result.then.bind(result);
      result.then = ((resolve: never, reject: never) => meanwhile().then(() => then(resolve, reject))) as never;
      return result;
    }) as never);
  }
  const counted = (): number => runs.reduce((sum, run) => sum + run.mock.calls.length, 0);
  const ask = (n: number) => apps[n % 2]!.http.get('/api/v1/admin/stats').set('authorization', `Bearer ${admin.token}`);

  it('are computed once, however many ask where', async () => {
    await ask(0).expect(200);
    const once = counted();
    expect(once).toBeGreaterThan(0);
    const clocks = apps.map((app) => app.app.get(Clock));
    for (const clock of clocks) clock.now = () => new Date(Date.now() + 61_000);
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    meanwhile = () => opened;
    const early: string[] = [];
    const asked = Array.from({ length: 40 }, async (_, n) => {
      const { status, body } = await ask(n);
      const { generatedAt } = body as { generatedAt: string };
      early.push(generatedAt);
      return { status, at: generatedAt };
    });
    // Who computes waits; nobody else does.
    await eventually(() => expect(early).toHaveLength(39), 15_000);
    expect(new Set(early).size).toBe(1);
    open();
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(counted()).toBe(2 * once);
    const newest = answers
      .map(({ at }) => at)
      .sort()
      .at(-1);
    expect(newest).not.toBe(early[0]);
    expect((await ask(1)).body).toMatchObject({ generatedAt: newest });
  });

  it('are computed once when there are none yet', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const once = counted();
    for (const clock of apps.map((app) => app.app.get(Clock))) clock.now = () => new Date(Date.now() + 61_000);
    await ask(0).expect(200);
    expect(counted()).toBe(2 * once);
  });

  it('are computed by each when Redis is away', async () => {
    await redis.kill('SIGKILL');
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => ask(n)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
