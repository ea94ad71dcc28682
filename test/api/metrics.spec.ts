import { once } from 'node:events';
import { connect } from 'node:net';
import { EventBus } from '../../src/core/events/event-bus.js';
import { TasksService } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signUp, signUpAdmin } from '../support/clients.js';
import { EventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { scrape } from '../support/scrape.js';

describe('metrics', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ COMMIT: 'abcdef0' });
  });
  afterAll(() => app.close());
  afterEach(() => jest.restoreAllMocks());

  const requests = async (labels: Record<string, string>): Promise<number> =>
    (await scrape(app)).value('taskflow_http_request_duration_seconds_count', labels);

  describe('of requests', () => {
    it('count by method, route template and status', async () => {
      const ada = await signUp(app);
      const labels = { method: 'GET', route: '/api/v1/tasks/:id', status: '404' };
      const before = await requests(labels);
      await ada.get('/tasks/0123456789abcdef01234567').expect(404);
      await ada.get('/tasks/nothing?a=b').expect(404);
      await eventually(async () => expect(await requests(labels)).toBe(before + 2));
    });

    it('have one name for all addresses that are not there', async () => {
      const before = await requests({ route: 'unmatched', status: '404' });
      for (let n = 0; n < 5; n++) await app.http.get(`/api/v1/made/up/${n}`).expect(404);
      await eventually(async () => expect(await requests({ route: 'unmatched', status: '404' })).toBe(before + 5));
      expect((await app.http.get('/metrics')).text).not.toContain('made/up');
    });

    it('have streams from when they begin, which are in flight no longer and counted by themselves', async () => {
      const ada = await signUp(app);
      const labels = { method: 'GET', route: '/api/v1/events', status: '200' };
      const before = await scrape(app);
      const source = await EventSource.open(app.url, ada.token);
      const during = await scrape(app);
      expect(await requests(labels)).toBe(1);
      expect(during.value('taskflow_http_requests_in_flight')).toBe(before.value('taskflow_http_requests_in_flight'));
      expect(during.value('taskflow_event_streams_open')).toBe(1);
      source.close();
      await eventually(async () => {
        const after = await scrape(app);
        expect(after.value('taskflow_event_streams_open')).toBe(0);
        expect(after.value('taskflow_event_streams_ended_total', { reason: 'client' })).toBe(1);
        expect(after.value('taskflow_http_requests_in_flight')).toBe(before.value('taskflow_http_requests_in_flight'));
      });
      expect(await requests({ route: '/api/v1/events' })).toBe(1);
    });

    it('have those whose client has gone, which are in flight until then', async () => {
      const ada = await signUp(app);
      let release = (): void => undefined;
      const held = new Promise<never>((_resolve, reject) => {
        release = () => reject(new Error('too late'));
      });
      const get = jest.spyOn(app.app.get(TasksService), 'get').mockReturnValue(held);
      const client = connect({ host: '127.0.0.1', port: Number(new URL(app.url).port) });
      await once(client, 'connect');
      const path = '/api/v1/tasks/0123456789abcdef01234567';
      client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.token}\r\n\r\n`);
      await eventually(() => expect(get).toHaveBeenCalled());
      // The scrape itself is the other one.
      expect((await scrape(app)).value('taskflow_http_requests_in_flight')).toBe(2);
      client.destroy();
      await eventually(async () => {
        expect(await requests({ route: '/api/v1/tasks/:id', status: '499' })).toBe(1);
        expect((await scrape(app)).value('taskflow_http_requests_in_flight')).toBe(1);
      });
      release();
    });
  });

  it('count cached reads by what is cached and what was found', async () => {
    const admin = await signUpAdmin(app);
    const reads = async (entry: string, result: string): Promise<number> =>
      (await scrape(app)).value('taskflow_cache_reads_total', { entry, result });
    const before = await reads('tasks.list', 'miss');
    await admin.get('/tasks?limit=1').expect(200);
    await admin.get('/tasks?limit=2').expect(200);
    await admin.get('/tasks?limit=2').expect(200);
    expect((await reads('tasks.list', 'miss')) - before).toBe(2);
    expect(await reads('tasks.list', 'hit')).toBe(1);
    await admin.get('/admin/stats').expect(200);
    await admin.get('/users/me').expect(200);
    await admin.get('/tasks/stats').expect(200);
    const entries = [...(await app.http.get('/metrics')).text.matchAll(/cache_reads_total\{entry="([^"]+)"/g)];
    expect(new Set(entries.map(([, entry]) => entry))).toEqual(
      new Set(['admin.stats', 'profile', 'tasks.list', 'tasks.stats']),
    );
  });

  it('count who was refused by a limit', async () => {
    const limited = await startTestApp({ RATE_LIMIT_PER_MINUTE: '5', LOGIN_RATE_LIMIT_PER_15MIN: '1' });
    const refused = async (limit: string): Promise<number> =>
      (await scrape(limited)).value('taskflow_rate_limit_refusals_total', { limit });
    try {
      const { email } = await signUp(limited);
      expect(await refused('login')).toBe(0);
      // Registering was the one try of this address.
      await limited.http.post('/api/v1/auth/login').send({ email, password: 'not the password' }).expect(429);
      expect([await refused('login'), await refused('default')]).toEqual([1, 0]);
      const statuses: number[] = [];
      for (let n = 0; n < 5; n++) statuses.push((await limited.http.get('/.well-known/jwks.json')).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect([await refused('login'), await refused('default')]).toEqual([1, 2]);
    } finally {
      await limited.close();
    }
  });

  it('count connections to MongoDB, and what waits for one', async () => {
    const { types, value } = await scrape(app);
    const idle = value('taskflow_mongodb_pool_connections', { state: 'idle' });
    const inUse = value('taskflow_mongodb_pool_connections', { state: 'in_use' });
    expect(idle + inUse).toBeGreaterThan(0);
    expect(idle + inUse).toBeLessThanOrEqual(value('taskflow_mongodb_pool_max_connections'));
    expect(value('taskflow_mongodb_pool_waiting')).toBe(0);
    expect(types.get('taskflow_mongodb_checkout_failures_total')).toBe('counter');
  });

  it('say what runs, and how it is', async () => {
    const { value } = await scrape(app);
    const labels = { commit: 'abcdef0', modules: 'auth,users,tasks,notifications,admin', mode: 'server' };
    expect(value('taskflow_build_info', labels)).toBe(1);
    expect(value('taskflow_ready')).toBe(1);
    expect(value('taskflow_mongodb_connected')).toBe(1);
    expect(value('taskflow_revocations_age_seconds')).toBeLessThan(2);
    expect(value('taskflow_passwords_running')).toBe(0);
    expect(value('taskflow_passwords_waiting')).toBe(0);
    const { value: later } = await scrape(app);
    const active = 'taskflow_event_loop_active_seconds_total';
    expect(later(active)).toBeGreaterThan(value(active));
    expect(later('taskflow_heap_limit_bytes')).toBeGreaterThan(later('nodejs_heap_size_used_bytes'));
  });

  it('count events, and how long they wait', async () => {
    const ada = await signUp(app);
    await ada.post('/tasks').send({ title: 'tell' }).expect(201);
    await eventually(async () => {
      const { value } = await scrape(app);
      expect(value('taskflow_events_published_total', { event: 'task.created' })).toBeGreaterThan(0);
      expect(value('taskflow_outbox_lag_seconds')).toBeLessThan(5);
    });
  });

  it('tell events whose listener fails, and since when they wait', async () => {
    const ada = await signUp(app);
    const deliver = jest.spyOn(app.app.get(EventBus), 'deliver').mockRejectedValue(new Error('not now'));
    await ada.delete('/users/me').send({ password: ada.password }).expect(204);
    const lag = async (): Promise<number> => (await scrape(app)).value('taskflow_outbox_lag_seconds');
    await eventually(async () => {
      expect((await scrape(app)).value('taskflow_event_failures_total', { event: 'user.deleted' })).toBeGreaterThan(1);
      expect(await lag()).toBeGreaterThan(1);
    }, 15_000);
    deliver.mockRestore();
    await eventually(async () => expect(await lag()).toBeLessThan(1), 15_000);
  });

  it('tell passwords that wait for their turn', async () => {
    const tries = Array.from({ length: 8 }, () =>
      app.http
        .post('/api/v1/auth/register')
        .send(newAccount())
        .then(({ status }) => status),
    );
    await eventually(async () => {
      const { value } = await scrape(app);
      expect(value('taskflow_passwords_running') + value('taskflow_passwords_waiting')).toBeGreaterThan(0);
    });
    await Promise.all(tries);
  });
});

describe('METRICS=false', () => {
  it('exposes nothing, with or without the token', async () => {
    const token = 'Xw7-q2Lr_Tz9-mK4v';
    const app = await startTestApp({ METRICS: 'false', METRICS_TOKEN: token });
    try {
      expectProblem(await app.http.get('/metrics'), 404, 'route.not_found');
      expectProblem(await app.http.get('/metrics').set('authorization', `Bearer ${token}`), 404, 'route.not_found');
    } finally {
      await app.close();
    }
  });
});
