import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import { newAccount, signUp } from '../support/clients.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { resourcesOf, spansOf, type ReceivedSpan } from '../support/spans.js';

const SERVER = 2;
const CLIENT = 3;
const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;

let redis: RedisProcess;
let database: Awaited<ReturnType<typeof startTestDatabase>>;
let collector: Receiver;
const running: TaskFlowProcess[] = [];

const start = async (environment: Record<string, string> = {}): Promise<TaskFlowProcess> => {
  const process = await startProcess({
    MONGODB_URI: database.uri,
    REDIS_URL: redis.url,
    JWT_KEYS: generateJwtKey(),
    SECRET_KEY: 'a test key that signs the cursors of one run only',
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '1',
    COMMIT: 'abcdef0123456789',
    ...environment,
  });
  running.push(process);
  return process;
};

/** All spans of a trace, once the one of the request is there: it ends last. */
const traceOf = (traceId: string): Promise<ReceivedSpan[]> =>
  eventually(() => {
    const spans = spansOf(collector.received).filter((span) => span.traceId === traceId);
    expect(spans.map(({ kind }) => kind)).toContain(SERVER);
    return spans;
  }, 8000);
const traceIdFromLog = (process: TaskFlowProcess, requestId: string): Promise<string> =>
  eventually(() => {
    const line = process
      .output()
      .split('\n')
      .find((text) => text.includes('"context":"HTTP"') && text.includes(`"requestId":"${requestId}"`));
    return (JSON.parse(line!) as { traceId: string }).traceId;
  });

beforeAll(async () => {
  requireCurrentDist();
  [redis, database] = await Promise.all([startRedis(), startTestDatabase()]);
});
beforeEach(async () => {
  collector = await startReceiver();
});
afterEach(async () => {
  for (const process of running.splice(0)) await process.end('SIGKILL');
  await collector.close();
});
afterAll(async () => {
  await redis.stop();
  await database.close();
});

describe('a traced request', () => {
  it('is one trace: the request below its caller, and its calls to MongoDB and Redis below it', async () => {
    const process = await start();
    const ada = await signUp(process);
    await ada.get('/tasks?limit=5').set({ traceparent }).expect(200);
    const spans = await traceOf(caller.traceId);
    const [request, ...others] = spans.filter(({ kind }) => kind === SERVER);
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      name: 'GET /api/v1/tasks',
      parentSpanId: caller.spanId,
      attributes: { 'http.request.method': 'GET', 'http.route': '/api/v1/tasks', 'http.response.status_code': 200 },
    });
    const calls = spans.filter(({ kind }) => kind === CLIENT);
    expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual(calls.map(() => request!.spanId));
    expect(calls.map(({ name }) => name).sort()).toEqual([
      'EVALSHA cache.write',
      'EVALSHA request.enter',
      'find tasks',
    ]);
    expect(calls.find(({ name }) => name === 'find tasks')?.attributes).toEqual({
      'db.system.name': 'mongodb',
      'db.operation.name': 'find',
      'db.collection.name': 'tasks',
      'db.namespace': new URL(database.uri).pathname.slice(1),
    });
    expect(resourcesOf(collector.received)[0]).toMatchObject({
      'service.name': 'taskflow',
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
      'vcs.ref.head.revision': 'abcdef0123456789',
    });
  });

  it('keeps its calls apart from those of requests at the same time', async () => {
    const process = await start();
    const ada = await signUp(process);
    const ids = Array.from({ length: 20 }, (_, n) => (n + 1).toString(16).padStart(32, '0'));
    await Promise.all(
      ids.map((id) =>
        ada
          .post('/tasks')
          .set({ traceparent: `00-${id}-${caller.spanId}-01` })
          .send({ title: 'At once' })
          .expect(201),
      ),
    );
    for (const id of ids) {
      const spans = await traceOf(id);
      const calls = spans.filter(({ kind }) => kind === CLIENT).map(({ name }) => name);
      expect(calls.sort()).toEqual(['EVALSHA cache.forget', 'EVALSHA request.enter', 'insert tasks']);
    }
  });

  it('has its trace on each of its log lines, with and without a caller', async () => {
    const process = await start();
    const ada = await signUp(process);
    await ada.get('/tasks/stats').set({ traceparent, 'x-request-id': 'with' }).expect(200);
    await ada.get('/tasks/stats').set({ 'x-request-id': 'without' }).expect(200);
    expect(await traceIdFromLog(process, 'with')).toBe(caller.traceId);
    const [request] = await traceOf(await traceIdFromLog(process, 'without'));
    expect(request?.traceId).toMatch(/^[\da-f]{32}$/);
  });

  it('that fails says so, and so does the call that failed', async () => {
    const process = await start();
    const { refreshToken } = await signUp(process);
    await redis.kill('SIGSTOP');
    try {
      await process.http.post('/api/v1/auth/refresh').set({ traceparent }).send({ refreshToken }).expect(503);
    } finally {
      await redis.kill('SIGCONT');
    }
    const failed = (await traceOf(caller.traceId)).filter(({ status }) => status.code === 2);
    expect(failed.at(-1)).toMatchObject({ kind: SERVER, attributes: { 'http.response.status_code': 503 } });
    expect(failed[0]).toMatchObject({ kind: CLIENT, attributes: { 'error.type': 'store.unavailable' } });
  });

  it('has nothing in it that a user sent or is', async () => {
    const process = await start();
    const account = newAccount({ name: 'Hidden-name' });
    const ada = await signUp(process, account);
    const { body: task } = await ada.post('/tasks').send({ title: 'Hidden-title', tags: ['Hidden-tag'] });
    await ada.get('/tasks?q=Hidden').expect(200);
    await ada.patch(`/tasks/${task.id}`).send({ description: 'Hidden-description' }).expect(200);
    await process.http.post('/api/v1/auth/login').send({ ...account, name: undefined, password: 'Hidden-pass' });
    await process.http.get(`/api/v1/${ada.token}`).set({ 'user-agent': 'Hidden-agent', traceparent }).expect(404);
    await traceOf(caller.traceId);
    const sent = collector.received.map(({ body }) => body).join('');
    expect(sent).toContain('findAndModify tasks');
    for (const secret of [
      'hidden',
      account.email,
      account.password,
      ada.token,
      ada.refreshToken,
      ada.user.id,
      task.id,
    ]) {
      expect(sent.toLowerCase()).not.toContain(String(secret).toLowerCase());
    }
    expect(sent).not.toMatch(/127\.0\.0\.1|::1/);
  });
});

describe('sampling', () => {
  it('records the given part of the requests, and decides for the whole of each', async () => {
    const process = await start({ OTEL_TRACES_SAMPLER_ARG: '0' });
    const ada = await signUp(process);
    await ada.get('/tasks').set({ 'x-request-id': 'unsampled' }).expect(200);
    await ada
      .get('/tasks')
      .set({ traceparent: traceparent.replace(/1$/, '0') })
      .expect(200);
    await ada.get('/users/me').set({ traceparent }).expect(200);
    const spans = await traceOf(caller.traceId);
    expect(new Set(spansOf(collector.received).map(({ traceId }) => traceId))).toEqual(new Set([caller.traceId]));
    expect(spans.map(({ name }) => name)).toContain('GET /api/v1/users/me');
    expect(spans.map(({ name }) => name)).not.toContain('GET /api/v1/tasks');
    expect(await traceIdFromLog(process, 'unsampled')).toMatch(/^[\da-f]{32}$/);
  });

  it('leaves probes out', async () => {
    const process = await start();
    await process.http.get('/api/health/ready').set({ traceparent }).expect(200);
    const ada = await signUp(process);
    await ada.get('/users/me').set({ traceparent }).expect(200);
    const names = (await traceOf(caller.traceId)).map(({ name }) => name);
    expect(names).not.toContain('GET /api/health/ready');
  });
});

describe('a collector that answers nothing', () => {
  it('delays no request and holds up the end by two seconds at most', async () => {
    collector.freeze();
    const process = await start();
    const ada = await signUp(process);
    for (let n = 0; n < 50; n++) {
      const begun = performance.now();
      await ada.get('/tasks/stats').expect(200);
      expect(performance.now() - begun).toBeLessThan(500);
    }
    await eventually(() => expect(collector.received.length).toBeGreaterThan(0));
    const begun = performance.now();
    const { code } = await process.end('SIGTERM');
    expect(code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(4000);
  });

  it('is a line in the log when it is away, and not one for each batch', async () => {
    await collector.close();
    const process = await start();
    const ada = await signUp(process);
    await ada.get('/tasks').expect(200);
    await eventually(() => expect(process.output()).toContain('traces are not delivered'), 15_000);
    await ada.get('/tasks').expect(200);
    await process.end('SIGTERM');
    expect(process.output().match(/traces are not delivered/g)).toHaveLength(1);
  });
});

describe('without a collector', () => {
  it('sends nothing, loads nothing, and still has the caller’s trace in the log', async () => {
    const process = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    const ada = await signUp(process);
    await ada.get('/users/me').set({ traceparent, 'x-request-id': 'off' }).expect(200);
    expect(await traceIdFromLog(process, 'off')).toBe(caller.traceId);
    expect(collector.received).toEqual([]);
  });
});
