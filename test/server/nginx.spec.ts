import { once } from 'node:events';
import { request as open, type ClientRequest, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import request from 'supertest';
import { newAccount, signIn, signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { exchange, type Answer, type Fleet } from '../support/fleet.js';
import { startReplicas, type Nginx, type Replicas } from '../support/nginx.js';
import { aTask } from '../support/tasks.js';

const LOGIN_LIMIT = 10;
const ADA = '127.0.0.2';
const EVE = '127.0.0.3';

describe('nginx in front of three processes', () => {
  let replicas: Replicas;
  let fleet: Fleet;
  let nginx: Nginx;
  let user: Client;

  beforeAll(async () => {
    replicas = await startReplicas({
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      LOGIN_RATE_LIMIT_PER_15MIN: String(LOGIN_LIMIT),
    });
    ({ fleet, nginx } = replicas);
    user = await signUp(nginx);
  });
  afterAll(async () => {
    await replicas?.stop();
  });

  it('gives each process its share of what is under way', async () => {
    const headers = { authorization: `Bearer ${user.token}` };
    const streams: ClientRequest[] = [];
    while (streams.length < 3 * fleet.processes.length) {
      const stream = open(`${nginx.url}/api/v1/events`, { agent: false, headers }).end();
      const [answer] = (await once(stream, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(200);
      streams.push(stream);
    }
    for (const stream of streams) stream.on('error', () => undefined).destroy();
    const lines = await nginx.logged('/api/v1/events', streams.length);
    for (const { url } of fleet.processes) {
      expect(lines.filter(({ upstream }) => upstream === new URL(url).host)).toHaveLength(3);
    }
  });

  describe('the client’s address', () => {
    const signInFrom = (from: string, account: object, claimed: Record<string, string> = {}): Promise<Answer> =>
      exchange(
        `${nginx.url}/api/v1/auth/login`,
        { method: 'POST', localAddress: from, headers: { 'content-type': 'application/json', ...claimed } },
        JSON.stringify(account),
      );

    it('is what login limits count by, whatever the client claims about itself', async () => {
      const { email } = newAccount();
      const guess = { email, password: 'not the password' };
      const statuses: number[] = [];
      for (let n = 1; n <= LOGIN_LIMIT + 3; n++) {
        const address = `203.0.113.${n}`;
        const claimed = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` };
        statuses.push((await signInFrom(EVE, guess, claimed)).status);
      }
      expect(statuses).toEqual([...Array<number>(LOGIN_LIMIT).fill(401), 429, 429, 429]);
      expect((await signInFrom(ADA, guess)).status).toBe(401);
    });

    it('is the one in the list of sessions', async () => {
      const answer = await signInFrom(
        ADA,
        { email: user.email, password: user.password },
        { 'x-forwarded-for': '203.0.113.7, 198.51.100.1' },
      );
      const { accessToken } = JSON.parse(answer.body) as { accessToken: string };
      const { body } = await request(nginx.url)
        .get('/api/v1/auth/sessions')
        .set('authorization', `Bearer ${accessToken}`);
      const { items } = body as { items: { ip: string; current: boolean }[] };
      expect(items.find(({ current }) => current)?.ip).toBe(ADA);
    });
  });

  describe('the request id', () => {
    const idsOf = async (given: string): Promise<{ answered: string; nginx: unknown; process: boolean }> => {
      const path = `/api/v1/tasks/${'0'.repeat(8)}${Math.random().toString(16).slice(2, 18).padEnd(16, '0')}`;
      const answer = await user.get(path.slice('/api/v1'.length)).set('x-request-id', given);
      const answered = answer.headers['x-request-id']!;
      return eventually(() => {
        const line = nginx.accessLog().find((entry) => entry['path'] === path);
        const lines = fleet.processes.map((process) => process.output()).join('\n');
        const logged = lines.split('\n').some((text) => text.includes(path) && text.includes(`"${answered}"`));
        expect({ line, process: logged }).toEqual({ line: expect.anything(), process: true });
        return { answered, nginx: line!['requestId'], process: logged };
      });
    };

    it('that a client sends is in the answer, in nginx’ log and in the process’ log', async () => {
      expect(await idsOf('checkout-7.A_b')).toEqual({
        answered: 'checkout-7.A_b',
        nginx: 'checkout-7.A_b',
        process: true,
      });
    });

    it.each(['a b', 'x"y', 'x'.repeat(129)])('%p is replaced by the same new one everywhere', async (given) => {
      const { answered, nginx: logged } = await idsOf(given);
      expect(answered).toMatch(/^[\w.-]{1,128}$/);
      expect(logged).toBe(answered);
    });
  });

  it('logs neither queries nor tokens', async () => {
    await user.get('/tasks?q=secretplan').expect(200);
    await eventually(() => expect(JSON.stringify(nginx.accessLog().at(-1))).toContain('"path":"/api/v1/tasks"'));
    const logged = JSON.stringify(nginx.accessLog()) + nginx.errors();
    expect(logged).not.toContain('secretplan');
    expect(logged).not.toContain(user.token);
  });

  describe('compression', () => {
    const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> => {
      const all = { authorization: `Bearer ${user.token}`, 'accept-encoding': 'gzip', ...headers };
      return exchange(`${nginx.url}/api/v1${path}`, { headers: all });
    };

    it('makes the entity tag weak, and what it names is still found unchanged', async () => {
      const task = await aTask(user, { description: 'a long description. '.repeat(100) });
      const { status, headers, bytes } = await get(`/tasks/${task.id}`);
      expect({ status, coding: headers['content-encoding'], etag: headers['etag'] }).toEqual({
        status: 200,
        coding: 'gzip',
        etag: 'W/"1"',
      });
      expect(headers['vary']).toContain('Accept-Encoding');
      expect(JSON.parse(gunzipSync(bytes).toString())).toEqual(task);
      const again = await get(`/tasks/${task.id}`, { 'if-none-match': 'W/"1"' });
      expect({ status: again.status, body: again.body }).toEqual({ status: 304, body: '' });
    });

    it('leaves If-Match its sense: the weak tag changes the task once, and is stale then', async () => {
      const task = await aTask(user, { description: 'a long description. '.repeat(100) });
      const patch = (title: string): request.Test =>
        user.patch(`/tasks/${task.id}`).set('if-match', 'W/"1"').set('accept-encoding', 'gzip').send({ title });
      const changed = await patch('First');
      expect({ status: changed.status, etag: changed.headers['etag'] }).toEqual({ status: 200, etag: 'W/"2"' });
      const stale = await patch('Second');
      expect({ status: stale.status, code: stale.body.code }).toEqual({ status: 412, code: 'task.stale' });
      expect(stale.headers['etag']).toMatch(/^(W\/)?"2"$/);
    });

    it('never touches answers of auth, which have secrets beside what the client sent', async () => {
      for (let n = 0; n < 8; n++) await signIn(nginx, user);
      const { headers, body } = await get('/auth/sessions');
      expect((JSON.parse(body) as { items: object[] }).items.length).toBeGreaterThan(8);
      expect(headers['content-encoding']).toBeUndefined();
    });
  });

  it('reads its configuration again without losing a request', async () => {
    // On a connection each: a kept one may end just when its client sends the next request, which it then has to send
    // again (RFC 9112 §9.3.1).
    const asking = { agent: false, headers: { authorization: `Bearer ${user.token}` } };
    const answers: number[] = [];
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 10) nginx.reload();
      answers.push((await exchange(`${nginx.url}/api/v1/users/me`, asking)).status);
    }
    expect(answers.filter((status) => status !== 200)).toEqual([]);
  });
});
