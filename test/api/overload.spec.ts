import { request as rawRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import supertest, { type Response } from 'supertest';
import { AppConfig } from '../../src/config/config.js';
import { requestContext } from '../../src/core/logging/request-context.js';
import { TasksService } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { scrape } from '../support/scrape.js';
import { aTask } from '../support/tasks.js';

/** What a process works on at a time. */
const AT_ONCE = 64;
/** What it has under way at most, once it is behind. */
const FULL = 200;
/** Longer than a burst. */
const A_WHILE_MS = 400;
/** In which all that were asked are there, also where nginx and they have one core. */
const ARRIVED_MS = 30_000;

let app: TestApp;
/** The process that serves tasks, without what may be in front of it. */
let processUrl: string;
let ada: Client;
let taskId: string;
beforeAll(async () => {
  app = await startTestApp();
  processUrl = await app.apps.find((one) => one.get(AppConfig).modules.includes('tasks'))!.getUrl();
  ada = await signUp(app);
  ({ id: taskId } = await aTask(ada));
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => app.close());

interface Held {
  /** The ids of the requests, as the work on them knows them, in the order in which it began. */
  readonly begun: readonly (string | undefined)[];
  /** @returns the answers, in the order in which they were asked for */
  readonly release: () => Promise<Response[]>;
}

/** Asks so often for the task, which nobody gets before `release`. */
async function hold(count: number): Promise<Held> {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const service = app.app.get(TasksService);
  const get = service.get.bind(service);
  const begun: (string | undefined)[] = [];
  jest.spyOn(service, 'get').mockImplementation(async (...input) => {
    begun.push(requestContext.getStore()?.requestId);
    await opened;
    return get(...input);
  });
  const answers = Array.from({ length: count }, async () => await ada.get(`/tasks/${taskId}`));
  await eventually(async () => expect(await inFlight()).toBe(count), ARRIVED_MS);
  await eventually(() => expect(begun).toHaveLength(Math.min(count, AT_ONCE)), ARRIVED_MS);
  await delay(A_WHILE_MS);
  return {
    begun,
    release: async () => {
      open();
      return Promise.all(answers);
    },
  };
}

/** Requests that the process has begun and not ended, but for the one that asks. */
const inFlight = async (): Promise<number> =>
  (await scrape({ http: supertest(processUrl) })).value('taskflow_http_requests_in_flight') - 1;

describe('A process that is behind', () => {
  it('refuses the next request at once, says when to come again, and does what it has begun', async () => {
    const { release } = await hold(FULL);
    const refused = await ada.post('/tasks').send({ title: 'One more' });
    expectProblem(refused, 503, 'server.overloaded');
    expect(refused.headers['retry-after']).toBe('1');
    expect((await release()).map(({ status }) => status)).toEqual(Array<number>(FULL).fill(200));
    await eventually(async () => expect((await ada.post('/tasks').send({ title: 'One more' })).status).toBe(201));
  });

  it('works on some at a time, and on each of the others as the request that it is', async () => {
    const { begun, release } = await hold(AT_ONCE + 20);
    expect(begun).toHaveLength(AT_ONCE);
    const answers = await release();
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const ids = answers.map(({ headers }) => headers['x-request-id'] as string);
    expect(begun.toSorted()).toEqual(ids.toSorted());
  });

  it('does not begin what nobody waits for any more', async () => {
    const { begun, release } = await hold(AT_ONCE);
    const headers = { authorization: `Bearer ${ada.token}` };
    const gone = rawRequest(`${processUrl}/api/v1/tasks/${taskId}`, { headers }).end();
    const ended = new Promise((resolve) => gone.once('error', resolve));
    await eventually(async () => expect(await inFlight()).toBe(AT_ONCE + 1));
    gone.destroy();
    await ended;
    await eventually(async () => expect(await inFlight()).toBe(AT_ONCE));
    await release();
    expect(begun).toHaveLength(AT_ONCE);
  });

  it('gives no place to a body that is still on its way', async () => {
    const headers = {
      authorization: `Bearer ${ada.token}`,
      'content-type': 'application/json',
      'content-length': 1000,
    };
    const slow = Array.from({ length: AT_ONCE }, () => {
      const sent = rawRequest(`${processUrl}/api/v1/tasks`, { method: 'POST', headers }).on('error', () => undefined);
      sent.write('{"title":');
      return sent;
    });
    await eventually(async () => expect(await inFlight()).toBe(AT_ONCE));
    await ada.get(`/tasks/${taskId}`).expect(200);
    expect(await inFlight()).toBe(AT_ONCE);
    for (const one of slow) one.destroy();
    await eventually(async () => expect(await inFlight()).toBe(0));
  });

  it('still answers probes, and what it has in its cache', async () => {
    await ada.get('/tasks/stats').expect(200);
    const { release } = await hold(FULL);
    expectProblem(await ada.post('/tasks').send({ title: 'One more' }), 503, 'server.overloaded');
    await app.http.get('/api/health/ready').expect(200);
    await app.http.get('/metrics').expect(200);
    const hit = await ada.get('/tasks/stats');
    expect([hit.status, hit.headers['cache-status']]).toEqual([200, 'taskflow; hit']);
    await release();
  });

  it('counts no stream among what it has to do', async () => {
    const headers = { authorization: `Bearer ${ada.token}` };
    const streams = Array.from({ length: 5 }, () => rawRequest(`${app.url}/api/v1/events`, { headers }).end());
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('response', resolve))));
    const { release } = await hold(FULL - 1);
    const oneMore = ada.post('/tasks').send({ title: 'One more' });
    const status = oneMore.then((answer) => answer.status);
    await release();
    expect(await status).toBe(201);
    for (const stream of streams) stream.destroy();
  });
});
