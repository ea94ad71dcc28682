import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { KeepAliveClient, startFleet, type Fleet } from '../support/fleet.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { aTask } from '../support/tasks.js';

const LIMIT = 300;

describe('three processes on one Redis', () => {
  let redis: RedisProcess;
  let fleet: Fleet;
  let urls: [string, string, string];

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(3, { REDIS_URL: redis.url, RATE_LIMIT_PER_MINUTE: String(LIMIT) });
    urls = fleet.processes.map(({ url }) => url) as typeof urls;
  });
  afterAll(async () => {
    await fleet?.stop();
    await redis?.stop();
  });

  /** Somebody new, signed in, and what they are answered by each process. */
  const join = async (): Promise<{ user: Client; at: Pick<KeepAliveClient, 'get'>[]; leave: () => void }> => {
    const user = await signUp({ url: urls[0] });
    const client = new KeepAliveClient(user.token, 20);
    const at = urls.map((url) => ({ get: (path: string) => client.get(`${url}/api/v1${path}`) }));
    return { user, at, leave: () => client.close() };
  };

  it('let exactly as many requests of a user pass as the limit says, whichever process they go to', async () => {
    const { at, leave } = await join();
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, n) => at[n % at.length]!.get('/tasks/stats')));
    leave();
    const withStatus = (status: number): number => answers.filter((answer) => answer.status === status).length;
    expect({ passed: withStatus(200), refused: withStatus(429) }).toEqual({ passed: LIMIT, refused: 1000 - LIMIT });
  });

  it('show at once what one of them has written, and share what one of them has computed', async () => {
    const { user, at, leave } = await join();
    for (let count = 1; count <= 20; count++) {
      await Promise.all(at.map(({ get }) => get('/tasks/stats')));
      await aTask(user);
      const [second, third] = [await at[1]!.get('/tasks/stats'), await at[2]!.get('/tasks/stats')];
      expect([second, third].map(({ body }) => (JSON.parse(body) as { total: number }).total)).toEqual([count, count]);
      expect([second, third].map(({ headers }) => headers['cache-status'])).toEqual([
        'taskflow; fwd=miss',
        'taskflow; hit',
      ]);
    }
    leave();
  });

  it('refuse a token within a second after its session ended at one of them', async () => {
    const { user, at, leave } = await join();
    await Promise.all(at.map(async ({ get }) => expect((await get('/users/me')).status).toBe(200)));
    await user.post('/auth/logout').expect(204);
    await Promise.all(
      at.map(({ get }) => eventually(async () => expect((await get('/users/me')).status).toBe(401), 1000)),
    );
    leave();
  });
});
