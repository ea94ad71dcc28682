import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { upScript } from '../support/compose.js';
import { temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';

describe('Redis as docker compose runs it', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let redis: RedisProcess;
  let url: string;
  let fleet: Fleet;
  const clients: Redis[] = [];

  beforeAll(async () => {
    directory = await temporaryDirectory();
    const up = upScript(directory.path);
    await up.run();
    const lines = readFileSync(join(__dirname, '../../deploy/compose/redis.conf'), 'utf8').matchAll(
      /^([\w-]+) (.+)$/gm,
    );
    const settings = Object.fromEntries([...lines].map(([, name, value]) => [name!, value!.replace('""', '')]));
    redis = await startRedis({ settings: { ...settings, aclfile: join(up.secrets, 'redis_acl') } });
    const kept = readFileSync(join(up.secrets, 'redis_url'), 'utf8').trim();
    url = kept.replace('redis:6379', `127.0.0.1:${redis.port}`);
    fleet = await startFleet(2, { REDIS_URL: url });
  });

  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await fleet?.stop();
    await redis?.stop();
    await directory.remove();
  });

  const connect = (address: string): Redis => {
    const client = new Redis(address, { enableReadyCheck: false });
    clients.push(client);
    return client;
  };

  it('lets the processes do all they need: sessions, cache, limits and revocation', async () => {
    const [first, second] = fleet.processes;
    const { body: health } = await first!.http.get('/api/health').expect(200);
    expect(health.status).toBe('ok');
    const account = { email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada', refreshIn: 'body' };
    const { body } = await first!.http.post('/api/v1/auth/register').send(account).expect(201);
    const { refreshToken } = body as { refreshToken: string };
    const { body: renewed } = await second!.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(200);
    const token = `Bearer ${renewed.accessToken}`;
    await first!.http.get('/api/v1/tasks/stats').set('Authorization', token).expect('Cache-Status', /miss/);
    await second!.http.get('/api/v1/tasks/stats').set('Authorization', token).expect('Cache-Status', /hit/);
    await first!.http.post('/api/v1/auth/logout').set('Authorization', token).expect(204);
    await eventually(() => second!.http.get('/api/v1/tasks').set('Authorization', token).expect(401), 1000);
    for (const process of fleet.processes) expect(process.output()).not.toMatch(/NOPERM|Redis is away/);
  });

  it('lets nobody without the password do anything but ping', async () => {
    const stranger = connect(redis.url);
    expect(await stranger.ping()).toBe('PONG');
    await expect(stranger.get('tf:x')).rejects.toThrow('NOPERM');
    await expect(stranger.set('tf:x', '1')).rejects.toThrow('NOPERM');
    await expect(stranger.info()).rejects.toThrow('NOPERM');
  });

  it('lets the processes touch nothing but their own keys', async () => {
    const taskflow = connect(url);
    await expect(taskflow.set('others', '1')).rejects.toThrow('NOPERM');
    await expect(taskflow.flushall()).rejects.toThrow('NOPERM');
    await expect(taskflow.config('GET', '*')).rejects.toThrow('NOPERM');
  });

  it('keeps what it was told for a second through kill -9, and refuses instead of forgetting when it is full', async () => {
    await connect(url).set('tf:kept', '1');
    const file = join(redis.directory, 'appendonlydir/appendonly.aof.1.incr.aof');
    await eventually(() => expect(readFileSync(file, 'utf8')).toContain('tf:kept'));
    await redis.restart();
    const again = connect(url);
    expect(await again.get('tf:kept')).toBe('1');
    expect(await again.info('memory')).toMatch(/maxmemory:335544320\r\n[\s\S]*maxmemory_policy:noeviction/);
  });
});
