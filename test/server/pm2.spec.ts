import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import request from 'supertest';
import { readEnvironment } from '../../src/config/environment.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { SHUTDOWN_AFTER_DRAIN_MS } from '../../src/shutdown.js';
import { startTestDatabase } from '../support/app.js';
import { requireCurrentDist, temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { KeepAliveClient } from '../support/fleet.js';
import { freePort, startRedis, type RedisProcess } from '../support/redis-server.js';

const ROOT = join(__dirname, '../..');
const CONFIG = join(ROOT, 'deploy/pm2/ecosystem.config.cjs');
const [app] = createRequire(__filename)(CONFIG).apps;

const SECRET_OF_THE_SHELL = 'only-the-shell-knows-this';
const PER_SECOND = 40;

describe('deploy/pm2', () => {
  it('sets variables that the program reads, and their number is that of the processes', () => {
    const { PATH: _path, ...environment } = app.env;
    expect(readEnvironment(environment).problems).toEqual([]);
    expect(environment.API_INSTANCES).toBe(String(app.instances));
  });

  it('gives a process longer to end than it can take', () => {
    expect(app.kill_timeout).toBeGreaterThan(Number(app.env.DRAIN_SECONDS) * 1000 + SHUTDOWN_AFTER_DRAIN_MS);
  });

  describe('with two processes on MongoDB and Redis', () => {
    let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
    let database: Awaited<ReturnType<typeof startTestDatabase>>;
    let redis: RedisProcess;
    let url: string;
    let ended = false;
    beforeAll(async () => {
      requireCurrentDist();
      directory = await temporaryDirectory();
      database = await startTestDatabase();
      redis = await startRedis();
      url = `http://127.0.0.1:${await freePort()}`;
      const variables = {
        PORT: new URL(url).port,
        HOST: '127.0.0.1',
        MONGODB_URI: database.uri,
        MIGRATE_AT_START: 'true',
        REDIS_URL: redis.url,
        JWT_KEYS: generateJwtKey(),
        SECRET_KEY: 'Zk3v9Qw7Lr2x8Tn5Bm1c6Yp4Hs0dGfJu',
        RATE_LIMIT_PER_MINUTE: '1000000',
        // How fast a busy machine answers is not what is looked at here.
        REQUEST_TIMEOUT_MS: '20000',
      };
      const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
      writeFileSync(join(directory.path, '.env'), lines.join(''), { mode: 0o600 });
      // The file itself, run from a directory with an `.env` of the test's.
      const here = `{ ...app, cwd: ${JSON.stringify(directory.path)}, script: ${JSON.stringify(join(ROOT, app.script))} }`;
      const file = join(directory.path, 'taskflow.config.cjs');
      writeFileSync(
        file,
        `const [app] = require(${JSON.stringify(CONFIG)}).apps;\nmodule.exports = { apps: [${here}] };`,
      );
      await pm2('start', file);
    });
    afterAll(async () => {
      ended = true;
      await pm2('kill');
      await redis.stop();
      await database.close();
      await directory.remove();
    });

    const pm2 = async (...args: string[]): Promise<string> => {
      // What goes on after its time is over would start another daemon.
      if (ended && args[0] !== 'kill') throw new Error('The tests are over.');
      const environment = {
        PATH: process.env['PATH'],
        HOME: directory.path,
        PM2_HOME: directory.path,
        PM2_DISABLE_VERSION_CHECK: 'true',
        INSTANCES: '2',
        SECRET_OF_THE_SHELL,
      };
      const program = require.resolve('pm2/bin/pm2');
      return (await promisify(execFile)(process.execPath, [program, ...args], { env: environment })).stdout;
    };
    const pids = async (): Promise<number[]> => (await pm2('pid', 'taskflow')).trim().split('\n').map(Number);

    it('is ready when `pm2 start` ends, and shares one port', async () => {
      expect(new Set(await pids()).size).toBe(2);
      await request(url)
        .get('/api/health/ready')
        .expect(200, { status: 'ok', checks: { mongo: 'up', redis: 'up' } });
    });

    it('is replaced by `pm2 reload` without a failed request', async () => {
      const account = { email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada' };
      const { body } = await request(url).post('/api/v1/auth/register').send(account).expect(201);
      const before = await pids();
      const load = new Load(url, body.accessToken as string);
      await eventually(() => expect(load.answers.length).toBeGreaterThan(PER_SECOND));
      await pm2('reload', 'taskflow');
      const during = load.answers.length;
      await eventually(() => expect(load.answers.length).toBeGreaterThan(during + PER_SECOND));
      await load.end();

      const after = await pids();
      expect(after.filter((pid) => before.includes(pid))).toEqual([]);
      expect(after).toHaveLength(2);
      expect(load.answers.filter((answer) => answer !== 'GET 200' && answer !== 'POST 201')).toEqual([]);
      expect(load.answers.length).toBe(load.sent);
      const { body: stats } = await request(url)
        .get('/api/v1/tasks/stats')
        .set('Authorization', `Bearer ${body.accessToken}`)
        .expect(200);
      expect(stats.total).toBe(load.answers.filter((answer) => answer === 'POST 201').length);
    });

    it('keeps nothing of the shell in what PM2 writes down', async () => {
      await pm2('save');
      const dump = readFileSync(join(directory.path, 'dump.pm2'), 'utf8');
      expect(dump).toContain('"API_INSTANCES": "2"');
      expect(dump).not.toContain(SECRET_OF_THE_SHELL);
    });

    it('ends by itself at `pm2 stop`, before PM2 loses patience', async () => {
      const running = await pids();
      await pm2('stop', 'taskflow');
      for (const pid of running) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      const exits = readFileSync(join(directory.path, 'pm2.log'), 'utf8').match(/exited with code .*/g)!;
      expect(exits).toHaveLength(4);
      expect(new Set(exits)).toEqual(new Set(['exited with code [0] via signal [SIGINT]']));
    });
  });
});

/** A task and a list of tasks, in turns, at times that no answer delays. Every answer and every failure is kept. */
class Load {
  readonly answers: string[] = [];
  sent = 0;
  private readonly client: KeepAliveClient;
  private readonly running: Promise<unknown>;
  private ended = false;

  constructor(
    private readonly url: string,
    token: string,
  ) {
    this.client = new KeepAliveClient(token);
    this.running = this.run();
  }

  /** Waits for what was sent. */
  async end(): Promise<void> {
    this.ended = true;
    await this.running;
    this.client.close();
  }

  private async run(): Promise<unknown> {
    const begun = performance.now();
    const waiting: Promise<void>[] = [];
    while (!this.ended) {
      while (this.sent < ((performance.now() - begun) / 1000) * PER_SECOND) waiting.push(this.send(this.sent++));
      await delay(5);
    }
    return Promise.all(waiting);
  }

  private async send(number: number): Promise<void> {
    const tasks = `${this.url}/api/v1/tasks`;
    const method = number % 2 === 0 ? 'GET' : 'POST';
    const answer = method === 'GET' ? this.client.get(tasks) : this.client.post(tasks, { title: `task ${number}` });
    this.answers.push(
      await answer.then(
        ({ status }) => `${method} ${status}`,
        (error: Error) => `${method} ${error.message}`,
      ),
    );
  }
}
