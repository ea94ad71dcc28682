import { eventually } from '../support/eventually.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { AccessTokens } from '../../src/core/security/access-tokens.js';
import { signUp } from '../support/clients.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** The application reaches its database through a proxy that can fail in the ways a network does. */
describe('when MongoDB is away', () => {
  let database: Awaited<ReturnType<typeof startTestDatabase>>;
  let proxy: TcpProxy;
  let uri: string;

  beforeAll(async () => {
    database = await startTestDatabase();
    const { hostname, port, pathname } = new URL(database.uri);
    proxy = await TcpProxy.to(hostname, Number(port));
    uri = `mongodb://${proxy.address}${pathname}?directConnection=true`;
  });
  afterEach(async () => {
    await proxy.refuse();
    await proxy.restore();
    proxy.thaw();
  });
  afterAll(async () => {
    await proxy.refuse();
    await database.close();
  });

  const start = (): Promise<TestApp> =>
    startTestApp({ MONGODB_URI: uri, MONGODB_SERVER_SELECTION_TIMEOUT_MS: '500', REQUEST_TIMEOUT_MS: '1500' });

  const bearer = (app: TestApp): [string, string] => {
    const user = { id: '0123456789abcdef01234567', role: 'user' as const, version: 1 };
    return ['Authorization', `Bearer ${app.app.get(AccessTokens).issue(user, 'a-session')}`];
  };

  it('starts without it, is not ready, lets nobody in, and is ready when it comes', async () => {
    await proxy.refuse();
    const app = await start();
    try {
      const ready = await app.http.get('/api/health/ready').expect(503);
      expect(ready.body).toEqual({ status: 'error', checks: { mongo: 'down' } });
      expect(Number(ready.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      await app.http.get('/api/health/live').expect(200);
      const me = await app.http
        .get('/api/v1/tasks')
        .set(...bearer(app))
        .expect(503);
      expect(me.body).toMatchObject({ code: 'store.unavailable', status: 503 });
      expect(Number(me.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      await proxy.restore();
      await eventually(async () => app.http.get('/api/health/ready').expect(200), 10_000);
      await app.http
        .get('/api/v1/tasks')
        .set(...bearer(app))
        .expect(200);
    } finally {
      await app.close();
    }
  });

  it('stays ready and says degraded when it is lost later; health is 503; requests are 503 and recover', async () => {
    const app = await start();
    try {
      await app.http
        .get('/api/v1/tasks')
        .set(...bearer(app))
        .expect(200);
      await proxy.refuse();
      const ready = await app.http.get('/api/health/ready').expect(200);
      expect(ready.body).toEqual({ status: 'degraded', checks: { mongo: 'down' } });
      const health = await app.http.get('/api/health').expect(503);
      expect(health.body).toEqual({ status: 'error', checks: { mongo: 'down' } });
      expect(Number(health.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      const created = await app.http
        .post('/api/v1/tasks')
        .set(...bearer(app))
        .send({ title: 'a' })
        .expect(503);
      expect(created.body).toMatchObject({ code: 'store.unavailable' });
      expect(created.headers['content-type']).toMatch(/^application\/problem\+json/);
      await proxy.restore();
      await eventually(
        async () =>
          app.http
            .post('/api/v1/tasks')
            .set(...bearer(app))
            .send({ title: 'a' })
            .expect(201),
        10_000,
      );
    } finally {
      await app.close();
    }
  });

  it('answers 503 within the time limit when it is frozen, and still serves what is cached', async () => {
    const app = await start();
    try {
      const ada = await signUp(app);
      await ada.get('/tasks/stats').expect(200);
      proxy.freeze();
      const before = performance.now();
      const { body, headers } = await ada.get('/tasks?status=done').expect(503);
      expect(performance.now() - before).toBeLessThan(2000);
      expect(['request.timeout', 'store.unavailable']).toContain(body.code);
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      const cached = await ada.get('/tasks/stats').expect(200);
      expect(cached.headers['cache-status']).toBe('taskflow; hit');
      await proxy.refuse();
      proxy.thaw();
      await proxy.restore();
      await eventually(async () => ada.get('/tasks?status=done').expect(200), 10_000);
    } finally {
      await app.close();
    }
  });
});
