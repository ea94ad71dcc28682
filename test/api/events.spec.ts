import { readFileSync } from 'node:fs';
import { request as rawRequest } from 'node:http';
import { join } from 'node:path';
import { EventLog } from '../../src/core/events/event-log.repository.js';
import { Clock } from '../../src/core/time/clock.js';
import { CLIENT_EVENTS } from '../../src/modules/notifications/realtime/client-event.js';
import { TaskStatsService } from '../../src/modules/tasks/index.js';
import * as taskEvents from '../../src/modules/tasks/tasks.events.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { EventSource, type ReceivedEvent } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { aTask, tasks } from '../support/tasks.js';

const HOUR_MS = 60 * 60 * 1000;
const FRONT_END = 'https://app.example.com';

let app: TestApp;
let ada: Client;
const opened: EventSource[] = [];

beforeAll(async () => {
  app = await startTestApp({ CORS_ORIGINS: FRONT_END });
});
beforeEach(async () => {
  ada = await signUp(app);
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const source of opened.splice(0)) source.close();
});
afterAll(() => app.close());

const open = async (client: Client, options?: Parameters<typeof EventSource.open>[2]): Promise<EventSource> => {
  const source = await EventSource.open(app.url, client.token, options);
  opened.push(source);
  return source;
};
const told = ({ events }: EventSource): unknown[] => events.map(({ event, data }) => [event, data['taskId']]);
const ids = ({ events }: EventSource): number[] => events.map(({ id }) => Number(id));
const ascending = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);

describe('GET /events', () => {
  it('is a stream of server-sent events that nobody keeps, holds back or compresses', async () => {
    const source = await open(ada);
    const { headers } = source;
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-request-id': expect.any(String),
      'x-content-type-options': 'nosniff',
      'ratelimit-policy': expect.any(String),
    });
    // nginx keeps it for itself.
    expect(headers['x-accel-buffering']).toBe(process.env['TEST_SPLIT'] ? undefined : 'no');
    expect(headers['content-encoding']).toBeUndefined();
    expect(source.first).toEqual({ id: expect.stringMatching(/^\d{13}$/), event: 'ready', data: {} });
    expect(source.retryMs).toBeGreaterThanOrEqual(1000);
    expect(source.retryMs).toBeLessThan(3000);
  });

  it('tells of every change of a task once, in order, with its facts', async () => {
    const source = await open(ada);
    const { id } = await aTask(ada);
    await ada
      .patch(`/tasks/${id}`)
      .send({ title: 'Another', tags: ['x'] })
      .expect(200);
    await ada.patch(`/tasks/${id}`).send({ status: 'done' }).expect(200);
    await ada.delete(`/tasks/${id}`).expect(204);
    await ada.post(`/tasks/${id}/restore`).expect(200);
    await ada.delete(`/tasks/${id}?permanent=true`).expect(204);
    await eventually(() => expect(source.events.at(-1)?.event).toBe('task.removed'));
    expect(told(source)).toEqual([
      ['task.created', id],
      ['task.updated', id],
      ['task.updated', id],
      ['task.completed', id],
      ['task.deleted', id],
      ['task.restored', id],
      ['task.removed', id],
    ]);
    expect(ids(source)).toEqual(ascending(ids(source)));
    for (const { event, data } of source.events) {
      const fields = event === 'task.updated' ? { fields: expect.any(Array) } : {};
      expect(data).toEqual({
        id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
        name: event,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
        taskId: id,
        ...fields,
      });
    }
    expect(source.events[1]!.data['fields']).toEqual(['title', 'tags']);
  });

  it('tells of a change within a second', async () => {
    const source = await open(ada);
    await aTask(ada);
    await eventually(() => expect(source.events).toHaveLength(1), 1000);
  });

  it('tells every device of the user, and nobody else', async () => {
    const bob = await signUp(app);
    const [phone, laptop, stranger] = [await open(ada), await open(await signIn(app, ada)), await open(bob)];
    const [mine, theirs] = [await aTask(ada), await aTask(bob)];
    await eventually(() => {
      for (const device of [phone, laptop]) expect(told(device)).toEqual([['task.created', mine.id]]);
      expect(told(stranger)).toEqual([['task.created', theirs.id]]);
    });
  });

  it('tells nothing about the account and its sessions', async () => {
    const source = await open(ada);
    await ada.patch('/users/me').send({ name: 'Ada King' }).expect(200);
    await (await signIn(app, ada)).post('/auth/logout').expect(204);
    const newPassword = `${ada.password} again`;
    await ada.post('/auth/change-password').send({ currentPassword: ada.password, newPassword }).expect(204);
    await app.http.post('/api/v1/auth/forgot-password').send({ email: ada.email });
    const { id } = await aTask(ada);
    await eventually(() => expect(told(source)).toEqual([['task.created', id]]));
  });

  it('knows every event of tasks, and no other', () => {
    const names = Object.values(taskEvents).map(({ eventName }) => eventName);
    const ofDeadlines = ['task.deadline.approaching', 'task.overdue'];
    expect(Object.keys(CLIENT_EVENTS).sort()).toEqual([...names, ...ofDeadlines].sort());
    for (const facts of Object.values(CLIENT_EVENTS))
      expect(facts.filter((fact) => !['taskId', 'fields', 'dueDate', 'minutesBefore'].includes(fact))).toEqual([]);
  });

  it('describes all of that in the OpenAPI document', () => {
    const document = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8'));
    const operation = document.paths['/api/v1/events'].get;
    expect(operation.tags).toEqual(['notifications']);
    expect(operation.responses['200'].content).toEqual({ 'text/event-stream': { schema: { type: 'string' } } });
    expect(operation.responses['304']).toBeUndefined();
    expect(operation.responses['200'].headers?.ETag).toBeUndefined();
    for (const name of [...Object.keys(CLIENT_EVENTS), 'ready', 'reset'])
      expect(operation.description).toContain(`\`${name}\``);
    const given = operation.parameters.map(({ name, in: place }: { name: string; in: string }) => `${place} ${name}`);
    expect(given.sort()).toEqual(['header Last-Event-ID', 'query lastEventId']);
    expect(Object.keys(operation.responses).sort()).toEqual(['200', '400', '401', '422', '429', '503']);
  });

  describe('for a client that comes back', () => {
    const missed = async (): Promise<{ seen: ReceivedEvent; later: string[] }> => {
      const source = await open(ada);
      await aTask(ada);
      await eventually(() => expect(source.events).toHaveLength(1));
      source.close();
      const later = [
        await aTask(ada),
        await aTask(ada),
        ...(await tasks(
          ada,
          Array.from({ length: 150 }, () => ({})),
        )),
      ];
      return { seen: source.events[0]!, later: later.map(({ id }) => id) };
    };

    it.each(['header', 'query'])('goes on after the last event it saw, by %s', async (place) => {
      const { seen, later } = await missed();
      const source = await open(
        ada,
        place === 'header' ? { lastEventId: seen.id } : { query: `?lastEventId=${seen.id}` },
      );
      expect(source.first).toEqual({ id: seen.id, event: 'ready', data: {} });
      await eventually(() => expect(source.events).toHaveLength(later.length));
      expect(source.events.map(({ data }) => data['taskId']).sort()).toEqual([...later].sort());
      expect(ids(source)).toEqual(ascending(ids(source)));
    });

    it('goes on where it began, when no event had come', async () => {
      const source = await open(ada);
      source.close();
      const { id } = await aTask(ada);
      const back = await open(ada, { lastEventId: source.lastEventId });
      await eventually(() => expect(told(back)).toEqual([['task.created', id]]));
    });

    it.each([
      ['longer ago than the log keeps', -25 * HOUR_MS],
      ['in the future', HOUR_MS],
    ])('says `reset` when that is %s, and goes on from now', async (_when, byMs) => {
      await aTask(ada);
      await eventually(async () => expect(await app.app.get(EventLog).head(ada.user.id)).toBeGreaterThan(0));
      await eventually(async () =>
        expect((await app.app.get(EventLog).read(ada.user.id, 0, 9)).map(({ name }) => name)).toContain('task.created'),
      );
      const source = await open(ada, { lastEventId: String(Date.now() + byMs) });
      expect(source.first).toEqual({ id: expect.any(String), event: 'reset', data: {} });
      const { id } = await aTask(ada);
      await eventually(() => expect(told(source)).toEqual([['task.created', id]]));
    });

    it.each(['x', '-1', '1.5', '1'.repeat(16), '1\u00a0'])('refuses %p as an id', async (id) => {
      expectProblem(await ada.get('/events').set('last-event-id', id), 400, 'request.malformed');
      expectProblem(await ada.get(`/events?lastEventId=${encodeURIComponent(id)}`), 422, 'input.invalid', [
        { pointer: '/lastEventId' },
      ]);
    });

    it('takes an empty id for none, as a browser sends after a stream without ids', async () => {
      expect((await ada.get('/events?lastEventId=&x=1')).status).toBe(422);
      const sent = rawRequest(`${app.url}/api/v1/events`, {
        headers: { authorization: `Bearer ${ada.token}`, 'last-event-id': '' },
      });
      const status = await new Promise((resolve) => sent.on('response', (answer) => resolve(answer.statusCode)).end());
      sent.destroy();
      expect(status).toBe(200);
    });
  });

  it('goes on beyond the time limit of requests, which all other routes keep', async () => {
    const source = await open(ada);
    jest.spyOn(app.app.get(TaskStatsService), 'own').mockReturnValue(new Promise(() => undefined));
    // The stream is older than this request when that is given up.
    expectProblem(await ada.get('/tasks/stats'), 503, 'request.timeout');
    expect(source.closed).toBeUndefined();
    await aTask(ada);
    await eventually(() => expect(source.events).toHaveLength(1));
  });

  it('counts as one request', async () => {
    const left = async (): Promise<number> =>
      Number(/r=(\d+)/.exec((await ada.get('/users/me')).headers['ratelimit']!)![1]);
    const before = await left();
    const source = await open(ada);
    await tasks(
      ada,
      Array.from({ length: 20 }, () => ({})),
    );
    await eventually(() => expect(source.events).toHaveLength(20));
    // The stream, the bulk request and the question itself.
    expect(await left()).toBe(before - 3);
  });

  it('is open ten times for one user, and an eleventh time when another one has ended', async () => {
    const sources = await Promise.all(Array.from({ length: 10 }, () => open(ada)));
    const refused = await ada.get('/events');
    expectProblem(refused, 429, 'events.too_many_streams');
    await open(await signUp(app));
    sources[0]!.close();
    await eventually(() => open(ada));
  });

  it('answers HEAD with its header fields alone, and keeps nothing open', async () => {
    for (let n = 0; n < 12; n++) {
      const answer = await app.http.head('/api/v1/events').set('authorization', `Bearer ${ada.token}`).expect(200);
      expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    }
  });

  it('lets a page of a front end read it, and no other', async () => {
    const fromOrigin = (origin: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${ada.token}`, origin };
        const sent = rawRequest(`${app.url}/api/v1/events`, { headers }, (answer) => {
          sent.destroy();
          resolve(answer.headers['access-control-allow-origin']);
        });
        sent.on('error', reject).end();
      });
    expect(await fromOrigin(FRONT_END)).toBe(FRONT_END);
    expect(await fromOrigin('https://evil.example.com')).toBeUndefined();
    const preflight = await app.http.options('/api/v1/events').set({
      origin: FRONT_END,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,last-event-id',
    });
    expect(preflight.headers['access-control-allow-headers']).toBe('authorization,last-event-id');
  });

  describe('ends, as a stream should, within a second', () => {
    const ended = (source: EventSource): Promise<void> => eventually(() => expect(source.closed).toBe('end'), 1000);

    it('after the session was ended, while the others go on', async () => {
      const phone = await signIn(app, ada);
      const [onPhone, here] = [await open(phone), await open(ada)];
      await phone.post('/auth/logout').expect(204);
      await ended(onPhone);
      await aTask(ada);
      await eventually(() => expect(here.events).toHaveLength(1));
      expect(onPhone.events).toEqual([]);
    });

    it('after all sessions were', async () => {
      const source = await open(ada);
      await ada.post('/auth/logout-all').expect(204);
      await ended(source);
    });

    it('after an admin has suspended the user', async () => {
      const [source, admin] = [await open(ada), await signUpAdmin(app)];
      await admin.patch(`/admin/users/${ada.user.id}`).send({ status: 'suspended' }).expect(200);
      await ended(source);
    });

    it('after the account was deleted', async () => {
      const source = await open(ada);
      await ada.delete('/users/me').send({ password: ada.password }).expect(204);
      await ended(source);
    });

    it('after the token has expired', async () => {
      const source = await open(ada);
      const laterMs = Date.now() + 901_000;
      jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(laterMs));
      await ended(source);
    });
  });
});
