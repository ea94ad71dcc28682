import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { generateJwtKey } from '../../src/config/keys.js';
import { MongoServer } from '../../src/embedded/mongo/index.js';
import { newAccount, signIn, signUp, type Client } from '../support/clients.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { problem } from '../support/tasks.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';

const JOURNAL = 'documents.journal';

let root: string;
let redis: RedisProcess;
let running: { end(signal: NodeJS.Signals): Promise<unknown> }[];
let servers: MongoServer[];

beforeAll(requireCurrentDist);
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'restore-'));
  [running, servers] = [[], []];
  redis = await startRedis();
});
afterEach(async () => {
  for (const process of running) await process.end('SIGKILL');
  for (const server of servers) await server.close();
  await redis.stop();
  rmSync(root, { recursive: true });
});

/** The document server stands for MongoDB: what is tested is what lies around it. */
async function openDatabase(name: string): Promise<string> {
  const server = await MongoServer.open({ directory: join(root, name) });
  servers.push(server);
  return server.uri.replace('/?', '/taskflow?');
}

async function start(mongoUri: string, jwtKeys: string): Promise<TaskFlowProcess> {
  const process = await startProcess({
    MONGODB_URI: mongoUri,
    REDIS_URL: redis.url,
    JWT_KEYS: jwtKeys,
    SECRET_KEY: 'a test key that all processes share',
  });
  running.push(process);
  return process;
}

/** The step of the runbook that forgets what Redis knows, as it stands there. */
async function forgetWhatRedisKnows(): Promise<void> {
  const runbook = readFileSync(join(__dirname, '../../docs/runbook.md'), 'utf8');
  const section = runbook.slice(runbook.indexOf('### Restoring an older MongoDB'));
  const command = /```sh\n([^`]+)```/.exec(section)![1]!;
  await promisify(execFile)('sh', ['-eu', '-c', command], { env: { ...process.env, REDIS_URL: redis.url } });
}

const total = async (client: Client): Promise<unknown> =>
  ((await client.get('/tasks/stats')).body as { total: number }).total;

const refresh = ({ url }: TaskFlowProcess, { refreshToken }: Client): Promise<Response> =>
  fetch(`${url}/api/v1/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken }),
  });

describe('After restoring an older MongoDB as the runbook says', () => {
  it('nothing of the time after the backup is shown or good for anything, and everybody signs in again', async () => {
    const keys = generateJwtKey();
    const before = await start(await openDatabase('data'), keys);
    const ada = await signUp(before, newAccount({ name: 'Ada' }));
    const other = await signIn(before, ada);
    await ada.post('/tasks').send({ title: 'Kept' }).expect(201);
    // What `cp` does, while the program runs.
    const backup = await openBackup();

    await ada.post('/tasks').send({ title: 'Of the future' }).expect(201);
    await ada.patch('/users/me').send({ name: 'Countess' }).expect(200);
    expect([await total(ada), (await ada.get('/users/me')).body]).toMatchObject([2, { name: 'Countess' }]);
    await other.post('/auth/logout').expect(204);
    const late = await signUp(before);

    await before.end('SIGTERM');
    await forgetWhatRedisKnows();
    const client = new Redis(redis.url);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
    const after = await start(backup, generateJwtKey());

    for (const old of [ada, other, late]) {
      const answer = await fetch(`${after.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${old.token}` } });
      expect(answer.status).toBe(401);
      expect((await refresh(after, old)).status).toBe(401);
    }
    const again = await signIn(after, ada);
    expect(await total(again)).toBe(1);
    expect((await again.get('/users/me')).body).toMatchObject({ name: 'Ada' });
    const { email, password } = late;
    const unknown = await after.http.post('/api/v1/auth/login').send({ email, password });
    expect(problem(unknown)).toMatchObject({ status: 401, code: 'auth.invalid_credentials' });
  });

  it('each step is needed: with Redis as it was a late answer is shown, and with the old key an ended session is good', async () => {
    const keys = generateJwtKey();
    const before = await start(await openDatabase('data'), keys);
    const ada = await signUp(before, newAccount({ name: 'Ada' }));
    const other = await signIn(before, ada);
    const backup = await openBackup();
    await ada.patch('/users/me').send({ name: 'Countess' }).expect(200);
    await ada.get('/users/me').expect(200);
    await other.post('/auth/logout').expect(204);
    await before.end('SIGTERM');

    const get = ({ url }: TaskFlowProcess, client: Client, path: string): Promise<Response> =>
      fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${client.token}` } });
    const hasty = await start(backup, keys);
    expect(await (await get(hasty, ada, '/users/me')).json()).toMatchObject({ name: 'Countess' });
    await hasty.end('SIGTERM');
    await forgetWhatRedisKnows();
    const withTheOldKey = await start(backup, keys);
    expect(await (await get(withTheOldKey, ada, '/users/me')).json()).toMatchObject({ name: 'Ada' });
    expect((await get(withTheOldKey, other, '/tasks')).status).toBe(200);
  });
});

/** A copy of what the first database has on disk now, served as a database of its own. */
async function openBackup(): Promise<string> {
  const directory = mkdtempSync(join(root, 'backup-'));
  copyFileSync(join(root, 'data', JOURNAL), join(directory, JOURNAL));
  return openDatabase(directory.slice(root.length + 1));
}
