import { startTestApp, type TestApp } from '../support/app.js';
import { signUp } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { scrape } from '../support/scrape.js';

describe('the metrics of Redis', () => {
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

  it('count calls by their script', async () => {
    const ada = await signUp(app);
    const calls = async (script: string): Promise<number> =>
      (await scrape(app)).value('taskflow_redis_call_duration_seconds_count', { script });
    const before = await calls('request.enter');
    await ada.get('/tasks/stats').expect(200);
    await ada.get('/tasks/stats').expect(200);
    expect(await calls('request.enter')).toBe(before + 2);
    expect(await calls('cache.write')).toBe(1);
    expect((await scrape(app)).value('taskflow_redis_breaker_open')).toBe(0);
  });

  it('tell a Redis that does not answer from one that is not tried, and limits that count here only', async () => {
    const ada = await signUp(app);
    await server.kill('SIGSTOP');
    try {
      for (let n = 0; n < 6; n++) await ada.get('/tasks/stats').expect(200);
      const { value } = await scrape(app);
      expect(value('taskflow_redis_breaker_open')).toBe(1);
      expect(value('taskflow_redis_failures_total', { reason: 'timeout' })).toBeGreaterThanOrEqual(3);
      expect(value('taskflow_redis_failures_total', { reason: 'breaker' })).toBeGreaterThan(0);
      expect(value('taskflow_rate_limit_local_total')).toBeGreaterThanOrEqual(6);
      expect(value('taskflow_cache_reads_total', { entry: 'tasks.stats', result: 'bypass' })).toBe(6);
    } finally {
      await server.kill('SIGCONT');
    }
    await eventually(async () => expect((await scrape(app)).value('taskflow_redis_breaker_open')).toBe(0));
  });
});
