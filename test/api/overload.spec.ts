import { request as rawRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { TasksService } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { aTask } from '../support/tasks.js';

/** What a process has under way at most, once it is behind. */
const FULL = 200;
/** Longer than a burst. */
const A_WHILE_MS = 1200;

let app: TestApp;
let ada: Client;
let taskId: string;
beforeAll(async () => {
  app = await startTestApp();
  ada = await signUp(app);
  ({ id: taskId } = await aTask(ada));
});
afterAll(() => app.close());

/** Asks so often for the task, which nobody gets before `release`. */
async function hold(count: number): Promise<{ release: () => Promise<number[]> }> {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const service = app.app.get(TasksService);
  const get = service.get.bind(service);
  const spy = jest.spyOn(service, 'get').mockImplementation(async (...input) => {
    await opened;
    return get(...input);
  });
  const answers = Array.from({ length: count }, async () => (await ada.get(`/tasks/${taskId}`)).status);
  await eventually(() => expect(spy).toHaveBeenCalledTimes(count));
  await delay(A_WHILE_MS);
  return {
    release: async () => {
      open();
      const statuses = await Promise.all(answers);
      spy.mockRestore();
      return statuses;
    },
  };
}

describe('A process that is behind', () => {
  it('refuses the next request at once, says when to come again, and does what it has begun', async () => {
    const { release } = await hold(FULL);
    const refused = await ada.post('/tasks').send({ title: 'One more' });
    expectProblem(refused, 503, 'server.overloaded');
    expect(refused.headers['retry-after']).toBe('1');
    expect(await release()).toEqual(Array<number>(FULL).fill(200));
    await eventually(async () => expect((await ada.post('/tasks').send({ title: 'One more' })).status).toBe(201));
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
    expect((await ada.post('/tasks').send({ title: 'One more' })).status).toBe(201);
    await release();
    for (const stream of streams) stream.destroy();
  });
});
