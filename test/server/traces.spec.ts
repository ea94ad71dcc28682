import { randomBytes } from 'node:crypto';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import { newAccount, signUp, type Client } from '../support/clients.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { resourcesOf, spansOf, type ReceivedSpan } from '../support/spans.js';

const SERVER = 2;
const CLIENT = 3;

/** Somebody whose trace the request becomes part of. */
const newCaller = (flags = '01') => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
};

let redis: RedisProcess;
let database: Awaited<ReturnType<typeof startTestDatabase>>;
let collector: Receiver;

/** A process of dist/ that sends its traces to `to`. */
const start = (to: string, environment: Record<string, string> = {}): Promise<TaskFlowProcess> =>
  startProcess({
    MONGODB_URI: database.uri,
    REDIS_URL: redis.url,
    JWT_KEYS: generateJwtKey(),
    SECRET_KEY: 'a test key that signs the cursors of one run only',
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: to,
    OTEL_TRACES_SAMPLER_ARG: '1',
    COMMIT: 'abcdef0123456789',
    ...environment,
  });

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
  [redis, database, collector] = await Promise.all([startRedis(), startTestDatabase(), startReceiver()]);
});
afterAll(async () => {
  await Promise.all([redis.stop(), database.close(), collector.close()]);
});

describe('a traced request', () => {
  let process: TaskFlowProcess;
  let ada: Client;
  beforeAll(async () => {
    process = await start(collector.url);
    ada = await signUp(process);
  });
  afterAll(() => process.end('SIGKILL'));

  it('is one trace: the request below its caller, and its calls to MongoDB and Redis below it', async () => {
    const caller = newCaller();
    await ada.get('/tasks?limit=5').set({ traceparent: caller.traceparent }).expect(200);
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
    const callers = Array.from({ length: 20 }, () => newCaller());
    await Promise.all(
      callers.map(({ traceparent }) => ada.post('/tasks').set({ traceparent }).send({ title: 'At once' }).expect(201)),
    );
    for (const { traceId } of callers) {
      const calls = (await traceOf(traceId)).filter(({ kind }) => kind === CLIENT).map(({ name }) => name);
      expect(calls.sort()).toEqual(['EVALSHA cache.forget', 'EVALSHA request.enter', 'insert tasks']);
    }
  });

  it('has its trace on its log line, with and without a caller', async () => {
    const { traceId, traceparent } = newCaller();
    await ada.get('/tasks/stats').set({ traceparent, 'x-request-id': 'with' }).expect(200);
    await ada.get('/tasks/stats').set({ 'x-request-id': 'without' }).expect(200);
    expect(await traceIdFromLog(process, 'with')).toBe(traceId);
    const spans = await traceOf(await traceIdFromLog(process, 'without'));
    expect(spans.map(({ name }) => name)).toContain('GET /api/v1/tasks/stats');
  });

  it('that fails says so, and so does the call that failed', async () => {
    const { traceId, traceparent } = newCaller();
    const { refreshToken } = ada;
    await redis.kill('SIGSTOP');
    try {
      await process.http.post('/api/v1/auth/refresh').set({ traceparent }).send({ refreshToken }).expect(503);
    } finally {
      await redis.kill('SIGCONT');
    }
    const failed = (await traceOf(traceId)).filter(({ status }) => status.code === 2);
    expect(failed.at(-1)).toMatchObject({ kind: SERVER, attributes: { 'http.response.status_code': 503 } });
    expect(failed[0]).toMatchObject({ kind: CLIENT, attributes: { 'error.type': 'store.unavailable' } });
    await eventually(() => ada.get('/tasks').expect('cache-status', /miss|hit/));
  });

  it('is not one of the probes, which come every few seconds', async () => {
    const { traceId, traceparent } = newCaller();
    await process.http.get('/api/health/ready').set({ traceparent }).expect(200);
    await ada.get('/users/me').set({ traceparent }).expect(200);
    const requests = (await traceOf(traceId)).filter(({ kind }) => kind === SERVER);
    expect(requests.map(({ name }) => name)).toEqual(['GET /api/v1/users/me']);
  });

  it('has nothing in it that a user sent or is', async () => {
    const { traceId, traceparent } = newCaller();
    const account = newAccount({ name: 'Hidden-name' });
    const eve = await signUp(process, account);
    const { body: task } = await eve.post('/tasks').send({ title: 'Hidden-title', tags: ['Hidden-tag'] });
    await eve.get('/tasks?q=Hidden').expect(200);
    await eve.patch(`/tasks/${task.id}`).send({ description: 'Hidden-description' }).expect(200);
    await process.http.post('/api/v1/auth/login').send({ ...account, name: undefined, password: 'Hidden-pass' });
    await process.http.get(`/api/v1/${eve.token}`).set({ 'user-agent': 'Hidden-agent', traceparent }).expect(404);
    await traceOf(traceId);
    const sent = collector.received.map(({ body }) => body).join('');
    expect(sent).toContain('findAndModify tasks');
    const secrets = ['hidden', account.email, account.password, eve.token, eve.refreshToken, eve.user.id, task.id];
    for (const secret of secrets) expect(sent.toLowerCase()).not.toContain(String(secret).toLowerCase());
    expect(sent).not.toMatch(/127\.0\.0\.1|::1/);
  });
});

describe('sampling', () => {
  it('follows the caller, and else takes the given part; the log has the trace either way', async () => {
    const sampled = newCaller();
    const unsampled = newCaller('00');
    const process = await start(collector.url, { OTEL_TRACES_SAMPLER_ARG: '0' });
    try {
      const ada = await signUp(process);
      await ada.get('/tasks').set({ 'x-request-id': 'alone' }).expect(200);
      await ada.get('/tasks').set({ traceparent: unsampled.traceparent, 'x-request-id': 'led' }).expect(200);
      await ada.get('/users/me').set({ traceparent: sampled.traceparent }).expect(200);
      const spans = await traceOf(sampled.traceId);
      expect(spans.map(({ name }) => name)).toContain('GET /api/v1/users/me');
      const alone = await traceIdFromLog(process, 'alone');
      expect(alone).toMatch(/^[\da-f]{32}$/);
      expect(await traceIdFromLog(process, 'led')).toBe(unsampled.traceId);
      const recorded = new Set(spansOf(collector.received).map(({ traceId }) => traceId));
      expect([recorded.has(alone), recorded.has(unsampled.traceId)]).toEqual([false, false]);
    } finally {
      await process.end('SIGKILL');
    }
  });
});

describe('a collector', () => {
  it('that answers nothing delays no request, and holds up the end by two seconds at most', async () => {
    const frozen = await startReceiver();
    frozen.freeze();
    const process = await start(frozen.url);
    try {
      const ada = await signUp(process);
      for (let n = 0; n < 20; n++) {
        const begun = performance.now();
        await ada.get('/tasks/stats').expect(200);
        expect(performance.now() - begun).toBeLessThan(1000);
      }
      await eventually(() => expect(frozen.received.length).toBeGreaterThan(0));
      const begun = performance.now();
      const { code } = await process.end('SIGTERM');
      expect(code).toBe(0);
      expect(performance.now() - begun).toBeLessThan(4000);
    } finally {
      await process.end('SIGKILL');
      await frozen.close();
    }
  });

  it('that is away is a line in the log, and not one for each batch', async () => {
    const process = await start('http://127.0.0.1:1');
    try {
      const ada = await signUp(process);
      await eventually(() => expect(process.output()).toContain('traces are not delivered'), 20_000);
      await ada.get('/tasks').expect(200);
    } finally {
      await process.end('SIGTERM');
    }
    expect(process.output().match(/traces are not delivered/g)).toHaveLength(1);
  });

  it('that nobody named is sent nothing, and the log has the caller’s trace all the same', async () => {
    const { traceId, traceparent } = newCaller();
    const process = await start('');
    try {
      const ada = await signUp(process);
      await ada.get('/users/me').set({ traceparent, 'x-request-id': 'off' }).expect(200);
      expect(await traceIdFromLog(process, 'off')).toBe(traceId);
    } finally {
      await process.end('SIGTERM');
    }
    expect(spansOf(collector.received).map((span) => span.traceId)).not.toContain(traceId);
  });
});
