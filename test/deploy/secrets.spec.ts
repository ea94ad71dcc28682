import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SECRET_NAMES } from '../../src/config/environment.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { findSecrets, historyOf } from '../support/secrets.js';

type Directory = Awaited<ReturnType<typeof temporaryDirectory>>;

describe('the search for secrets', () => {
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const random = (): string => randomBytes(24).toString('base64url');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each([
    ['a private key', pem.toString()],
    ['JWT_KEYS', `JWT_KEYS=${generateJwtKey()}`],
    ['an access token', `{"accessToken": "${part({ alg: 'ES256' })}.${part({ sub: '0123456789' })}.${random()}"}`],
    ['the password of a database', `mongodb://taskflow:${random()}@db.example.net:27017/taskflow`],
    ['a key of AWS', `aws_secret_access_key = ${randomBytes(30).toString('base64')}`],
    ['a token of GitHub', `ghp_${randomBytes(18).toString('hex')}`],
    ['a random value with a telling name', `METRICS_TOKEN: '${random()}'`],
  ])('finds %s', async (_, text) => {
    const texts = [
      { name: 'another', content: 'nothing here' },
      { name: 'file', content: `# settings\n${text}\n` },
    ];
    expect((await findSecrets(texts)).map((found) => found.split(':', 1)[0])).toContain('file');
  });

  describe('in a history', () => {
    let directory: Directory;
    const git = (...args: string[]): void => {
      const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false'];
      const { status, stderr } = spawnSync('git', [...author, ...args], { cwd: directory.path, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, expect.anything()]);
    };
    beforeEach(async () => {
      directory = await temporaryDirectory();
      git('init', '--quiet');
      writeFileSync(join(directory.path, 'settings'), `JWT_KEYS=${generateJwtKey()}`);
      git('add', '.');
      git('commit', '--quiet', '--message', 'one');
      writeFileSync(join(directory.path, 'settings'), 'JWT_KEYS=');
      git('commit', '--quiet', '--all', '--message', 'two');
    });
    afterEach(() => directory.remove());

    it('finds one that was removed since', async () => {
      expect(await findSecrets(historyOf(directory.path))).toEqual([expect.stringMatching(/^settings: /)]);
    });

    it('refuses a clone that has only a part of it', async () => {
      const clone = join(directory.path, 'clone');
      git('clone', '--quiet', '--depth', '1', `file://${directory.path}`, clone);
      expect(() => [...historyOf(clone)]).toThrow('This clone is shallow');
    });
  });
});

describe('the repository', () => {
  it('holds no secret, in any version of any file and in no message', async () => {
    const history = [...historyOf(join(__dirname, '../..'))];
    expect(history.length).toBeGreaterThan(1000);
    expect(await findSecrets(history)).toEqual([]);
  });
});

describe('a process', () => {
  const password = (): string => randomBytes(16).toString('base64url');
  const closed = '127.0.0.1:1';
  /** What an operator gives to a process, each with a value that stands nowhere else. */
  const secrets: Record<(typeof SECRET_NAMES)[number], string> = {
    MONGODB_URI: `mongodb://taskflow:${password()}@${closed}/taskflow`,
    REDIS_URL: `redis://taskflow:${password()}@${closed}`,
    EVENTS_URL: `amqp://taskflow:${password()}@${closed}`,
    JWT_KEYS: generateJwtKey(),
    SECRET_KEY: randomBytes(32).toString('base64url'),
    SMTP_URL: `smtp://taskflow:${password()}@${closed}`,
    VAPID_PRIVATE_KEY: randomBytes(32).toString('base64url'),
    BOOTSTRAP_ADMIN_PASSWORD: password(),
    METRICS_TOKEN: password(),
    SENTRY_DSN: `http://${randomBytes(16).toString('hex')}@${closed}/1`,
  };
  /** The part of each that is secret. */
  const parts = Object.values(secrets).map((value) => /(?:\/\/(?:taskflow:)?)?([\w-]{16,})(?:@|$)/.exec(value)![1]!);
  let directory: Directory;
  let server: TaskFlowProcess;
  beforeAll(requireCurrentDist);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await directory.remove();
  });

  const start = async (environment: Record<string, string>): Promise<void> => {
    server = await startProcess({
      DATA_DIR: directory.path,
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'json',
      BOOTSTRAP_ADMIN_EMAIL: 'admin@example.org',
      ...environment,
    });
  };
  const printed = (of: string[]): string[] => of.filter((secret) => server.output().includes(secret));

  it('prints none of its secrets and none of its clients’ while it works', async () => {
    await start({ ...secrets, MONGODB_URI: '', REDIS_URL: '' });
    await eventually(() => server.http.get('/api/health/ready').expect(200));
    const account = { email: 'ada@example.org', password: password(), name: 'Ada', refreshIn: 'body' };
    const { body } = await server.http.post('/api/v1/auth/register').send(account).expect(201);
    const bearer = { authorization: `Bearer ${body.accessToken}` };
    await server.http.get('/metrics').set('authorization', `Bearer ${secrets.METRICS_TOKEN}`).expect(200);
    await server.http.get('/api/v1/tasks?limit=0').set(bearer).expect(422);
    await server.http
      .post('/api/v1/auth/login')
      .send({ ...account, extra: account.password })
      .expect(422);
    await server.end('SIGTERM');
    const { accessToken, refreshToken } = body as Record<string, string>;
    expect(printed([...parts, account.password, accessToken!, refreshToken!])).toEqual([]);
    expect(server.output()).toContain('/api/v1/auth/register');
  });

  it('prints none of them while its stores are away', async () => {
    await start(secrets);
    await eventually(() =>
      expect(server.output()).toMatch(/not ready yet[^]*ECONNREFUSED|ECONNREFUSED[^]*not ready yet/),
    );
    await server.http.get('/api/health').expect(503);
    await server.end('SIGTERM');
    expect(printed(parts)).toEqual([]);
  });
});
