import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';

describe('health with Redis', () => {
  let server: RedisProcess;
  let app: TestApp;

  beforeAll(async () => {
    server = await startRedis();
    app = await startTestApp({ REDIS_URL: server.url });
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  const expectUp = async (): Promise<void> => {
    const { status, body } = await app.http.get('/api/health');
    expect({ status, body: body as unknown }).toEqual({
      status: 200,
      body: { status: 'ok', checks: { mongo: 'up', redis: 'up' } },
    });
  };

  it('has a line for Redis', expectUp);

  it.each(['SIGSTOP', 'SIGKILL'] as const)('is degraded and still ready after %s, and ok again', async (signal) => {
    await server.kill(signal);
    try {
      for (const path of ['/api/health', '/api/health/ready']) {
        const start = performance.now();
        const { status, body } = await app.http.get(path);
        expect(performance.now() - start).toBeLessThan(500);
        expect(status).toBe(200);
        expect(body).toEqual({ status: 'degraded', checks: { mongo: 'up', redis: 'down' } });
      }
      await app.http.get('/api/health').expect(200);
      expect((await app.http.get('/metrics')).text).toMatch(/^taskflow_redis_breaker_open 1$/m);
      expect((await app.http.get('/api/health/live')).body).toEqual({ status: 'ok' });
    } finally {
      if (signal === 'SIGSTOP') await server.kill('SIGCONT');
      else await server.restart();
    }
    await eventually(expectUp);
    expect((await app.http.get('/metrics')).text).toMatch(/^taskflow_redis_breaker_open 0$/m);
  });
});
