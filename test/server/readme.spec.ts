import { startFleet, type Fleet } from '../support/fleet.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { normalised, readmeSession, runSession } from '../support/readme.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';

describe('README.md, on three processes behind nginx', () => {
  let redis: RedisProcess;
  let fleet: Fleet;
  let nginx: Nginx;

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(3, { REDIS_URL: redis.url, TRUST_PROXY: '1' });
    nginx = await startNginx({ config: 'nginx.conf', upstreams: { api: fleet.processes.map(({ url }) => url) } });
  });
  afterAll(async () => {
    await nginx?.stop();
    await fleet?.stop();
    await redis?.stop();
  });

  it('prints in its session what it prints on one process', async () => {
    const steps = readmeSession();
    const printed = await runSession(steps, nginx.url);
    const told = steps.map(({ command, printed: text }) => ({ command, printed: normalised(text) }));
    expect(steps.map(({ command }, index) => ({ command, printed: normalised(printed[index] ?? '') }))).toEqual(told);
  });
});
