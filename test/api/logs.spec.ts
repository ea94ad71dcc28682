import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { OneTimeTokens } from '../../src/core/security/one-time-tokens.js';
import { TasksService, TaskStatsService } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signUp } from '../support/clients.js';
import { eventually } from '../support/eventually.js';

interface Line {
  readonly message: string;
  readonly context: string;
  readonly path?: string;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly userId?: string;
  readonly problem?: string;
  readonly status?: number;
}

const lines: string[] = [];
const read = (): Line[] => lines.map((line) => JSON.parse(line) as Line);
/** The access line of a request, which is written once the answer has been sent. */
const lineOf = (requestId: string): Promise<Line> =>
  eventually(() => {
    const found = read().filter((line) => line.context === 'HTTP' && line.requestId === requestId);
    expect(found).toHaveLength(1);
    return found[0]!;
  });

const expectNone = (...secrets: readonly string[]): void => {
  const log = lines.join('');
  expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
};

let app: TestApp;
beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(...String(text).split(/(?<=\n)/)) > 0);
  app = await startTestApp({ LOG_LEVEL: 'debug', LOG_FORMAT: 'json', REQUEST_TIMEOUT_MS: '5000' });
});
afterAll(async () => {
  await app.close();
  jest.restoreAllMocks();
});

describe('the log', () => {
  it('has one line for a request, with its id, its trace and who asked', async () => {
    const ada = await signUp(app);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await ada.get('/tasks/x?q=private').set({ 'x-request-id': 'log-1', traceparent }).expect(404);
    expect(await lineOf('log-1')).toMatchObject({
      message: expect.stringMatching(/^GET \/api\/v1\/tasks\/x 404 [\d.]+ms$/),
      path: '/api/v1/tasks/x',
      status: 404,
      problem: 'task.not_found',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      userId: ada.user.id,
    });
  });

  it('has one line for a stream, when it has ended, with what it was answered', async () => {
    const { token, user } = await signUp(app);
    const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'log-stream' };
    const sent = request(`${app.url}/api/v1/events`, { headers }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    expect(read().filter(({ requestId }) => requestId === 'log-stream')).toEqual([]);
    sent.destroy();
    expect(await lineOf('log-stream')).toMatchObject({ path: '/api/v1/events', status: 200, userId: user.id });
  });

  it('names the id of a problem whose cause it has, also after a time limit', async () => {
    const { token } = await signUp(app);
    const { http } = app;
    const verify = jest.spyOn(app.app.get(TaskStatsService), 'own');
    verify.mockImplementation(() => new Promise(() => undefined));
    const { body } = await http.get('/api/v1/tasks/stats').set('authorization', `Bearer ${token}`).expect(503);
    expect(body).toMatchObject({ code: 'request.timeout' });
    expect(await lineOf(body.requestId as string)).toMatchObject({ status: 503, problem: 'request.timeout' });
    expect(read()).toContainEqual(expect.objectContaining({ context: 'Problem', requestId: body.requestId }));
  });

  it('has the reason and the stack of a failure of ours; the answer has neither', async () => {
    const ada = await signUp(app);
    const failing = jest.spyOn(app.app.get(TasksService), 'get');
    failing.mockRejectedValueOnce(new Error('the reason, at mongodb://ada:hunter2@db'));
    const answer = await ada.get('/tasks/0123456789abcdef01234567').expect(500);
    expect(answer.body).toMatchObject({ code: 'internal', detail: 'Something went wrong on our side.' });
    expect(answer.text).not.toMatch(/reason|hunter2|\.ts|node_modules/);
    const line = lines.find((one) => one.includes('the reason'))!;
    expect(JSON.parse(line)).toMatchObject({ requestId: answer.body.requestId, level: 'error' });
    expect(line).toContain('logs.spec');
    expect(line).not.toContain('hunter2');
  });

  it('has no password, no token, no cookie and no query, whatever fails', async () => {
    const account = { ...newAccount(), password: 'Zebra-crossing-4711' };
    const { body } = await app.http.post('/api/v1/auth/register').send({ ...account, refreshIn: 'body' });
    const { accessToken, refreshToken } = body as { accessToken: string; refreshToken: string };
    const wrong = { ...account, password: 'Zebra-crossing-4712', name: undefined };
    await app.http.post('/api/v1/auth/login').send(wrong).expect(401);
    await app.http
      .post('/api/v1/auth/login')
      .send({ ...wrong, unknown: 'Zebra-crossing' })
      .expect(422);
    await app.http.post('/api/v1/auth/login').type('json').send('{"password":"Zebra-crossing').expect(400);
    await app.http.get(`/api/v1/${accessToken}?q=Zebra-crossing`).expect(404);
    await app.http.get('/api/v1/tasks').set('authorization', `Bearer ${accessToken}x`).expect(401);
    await app.http.post('/api/v1/auth/refresh').set('cookie', 'taskflow_refresh=Zebra-crossing').expect(401);
    await app.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(200);
    await lineOf((await app.http.get('/nowhere')).body.requestId as string);
    expectNone('Zebra-crossing', accessToken, refreshToken, refreshToken.split('.')[2]!, account.email);
  });

  it('has no token of a mail, wherever a client puts it', async () => {
    const ada = await signUp(app);
    const tokens = app.app.get(OneTimeTokens);
    for (const [purpose, path] of [
      ['reset_password', 'reset-password'],
      ['verify_email', 'verify-email'],
    ] as const) {
      const token = tokens.tokenOf(purpose, tokens.issue(purpose, ada.user.id).id);
      const send = (body: object) => app.http.post(`/api/v1/auth/${path}`).send(body);
      await send({ token, newPassword: 'Zebra-crossing-4713' });
      await send({ token: [token] }).expect(422);
      await send({ [token]: token }).expect(422);
      await app.http.get(`/api/v1/auth/${path}/${token}?token=${token}`).expect(404);
      await app.http.get(`/api/v1/auth/${path}`).set('referer', `https://app.example/#token=${token}`);
      await lineOf((await app.http.get('/nowhere')).body.requestId as string);
      expectNone(token.split('.')[2]!, 'Zebra-crossing');
    }
  });

  it('has no secret that a client puts where none belongs', async () => {
    const token = 'eyJhbGciOiJIUzI1NiJ9.Zebra-claims.Zebra-signature';
    const places = ['authorization', 'cookie', 'referer', 'user-agent', 'x-api-key', 'x-forwarded-for', 'traceparent'];
    for (const place of places) await app.http.get('/api/v1/tasks').set(place, `Basic Zebra-crossing ${token}`);
    await app.http.get('/api/v1/tasks').set({ 'x-request-id': token }).expect(401);
    for (const path of ['zebra@example.org', 'zebra%40example.org', `x;token=${token}`, 'https://zebra:Zebra-key@x']) {
      await app.http.get(`/api/v1/tasks/${path}`);
      await app.http.get(`/${path}`).expect(404);
    }
    await app.http.post('/api/v1/auth/register').type('text/plain').send('Zebra-crossing').expect(415);
    await app.http.post('/api/v1/auth/register').type('json').send(`["Zebra-crossing", "${token}"]`).expect(422);
    await lineOf((await app.http.get('/nowhere')).body.requestId as string);
    expectNone('Zebra-', 'zebra@', 'zebra%40');
  });

  it('has no secret that a failure repeats', async () => {
    const ada = await signUp(app);
    const failing = jest.spyOn(app.app.get(TasksService), 'get');
    const said = 'E11000 dup key: { email: "zebra@example.org" } redis://:Zebra-pass@cache https://Zebra-key@sentry/1';
    failing.mockRejectedValueOnce(Object.assign(new Error(said), { token: 'Zebra-token' }));
    const { body } = await ada.get('/tasks/0123456789abcdef01234567').expect(500);
    await eventually(() => expect(lines.join('')).toContain(`"requestId":"${String(body.requestId)}"`));
    expect(lines.join('')).toContain('E11000 dup key');
    expectNone('Zebra-', 'zebra@');
  });

  it('cannot be given a line by a client', async () => {
    await app.http.get('/api/v1/%0a%0dforged').set('user-agent', 'x').expect(404);
    await app.http.get('/api/v1/forged').set('x-request-id', 'a b').expect(404);
    for (const line of lines) {
      expect(line.endsWith('\n') && !line.slice(0, -1).includes('\n')).toBe(true);
      expect(() => JSON.parse(line) as unknown).not.toThrow();
    }
  });

  it('has no line for probes', async () => {
    for (const path of ['/api/health', '/api/health/live', '/api/health/ready', '/metrics']) await app.http.get(path);
    await lineOf((await app.http.get('/nowhere')).body.requestId as string);
    expect(read().filter(({ path = '' }) => /health|metrics/.test(path))).toEqual([]);
  });
});
