import request from 'supertest';
import { NUL_IN_PATH, startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { aTask, notFound, problem, sameBody } from '../support/tasks.js';

let app: TestApp;
let ada: Client;
let eva: Client;
beforeAll(async () => {
  app = await startTestApp();
  [ada, eva] = await Promise.all([signUp(app), signUp(app)]);
});
afterAll(() => app.close());

const unknownId = '000000000000000000000000';

describe('GET /tasks/:id', () => {
  it('answers the task with its version as ETag, and not from a shared cache', async () => {
    const task = await aTask(ada, { tags: ['a'] });
    const answer = await ada.get(`/tasks/${task.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(task);
    expect(answer.headers).toMatchObject({ etag: '"1"', 'cache-control': 'private, no-cache' });
  });

  it.each(['"1"', 'W/"1"', '"7", W/"1"', '*'])('answers 304 without a body to If-None-Match: %s', async (tag) => {
    const { id } = await aTask(ada);
    const answer = await ada.get(`/tasks/${id}`).set('if-none-match', tag);
    expect(answer.status).toBe(304);
    expect(answer.text).toBe('');
    expect(answer.headers['etag']).toBe('"1"');
  });

  it('answers 200 to an If-None-Match that names another version', async () => {
    const { id } = await aTask(ada);
    await ada.patch(`/tasks/${id}`).send({ title: 'Changed' });
    const answer = await ada.get(`/tasks/${id}`).set('if-none-match', '"1", W/"3"');
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"2"');
  });

  it.each(['1', '"1', '"1" "2"', ''])('answers 400 to a malformed If-None-Match: %j', async (tag) => {
    const { id } = await aTask(ada);
    const answer = await ada.get(`/tasks/${id}`).set('if-none-match', tag);
    expect(problem(answer)).toMatchObject({ status: 400, code: 'request.malformed' });
  });

  it('shows a task in the trash, with the time it went there', async () => {
    const { id } = await aTask(ada);
    await ada.delete(`/tasks/${id}`);
    const answer = await ada.get(`/tasks/${id}`);
    expect(answer.status).toBe(200);
    expect(Date.parse((answer.body as { deletedAt: string }).deletedAt)).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('somebody else’s task', () => {
  const requests: [what: string, send: (client: Client, id: string) => request.Test][] = [
    ['GET', (client, id) => client.get(`/tasks/${id}`)],
    ['PATCH', (client, id) => client.patch(`/tasks/${id}`).send({ title: 'Mine' })],
    ['PUT', (client, id) => client.put(`/tasks/${id}`).send({ title: 'Mine' })],
    ['DELETE', (client, id) => client.delete(`/tasks/${id}`)],
    ['DELETE for good', (client, id) => client.delete(`/tasks/${id}?permanent=true`)],
    ['restore', (client, id) => client.post(`/tasks/${id}/restore`)],
    ['PATCH with a stale If-Match', (client, id) => client.patch(`/tasks/${id}`).set('if-match', '"9"').send({})],
  ];

  it.each(requests)('%s is the same 404 as for an unknown id and an id of another shape', async (_what, send) => {
    const task = await aTask(ada);
    const foreign = await send(eva, task.id);
    expect(problem(foreign)).toEqual(notFound);
    expect(JSON.stringify(sameBody(foreign))).not.toContain(task.id);
    for (const id of [
      unknownId,
      'x',
      task.id.toUpperCase(),
      `${task.id}0`,
      '1',
      '%20',
      '$ne',
      '%7B%7D',
      'é',
      ...NUL_IN_PATH,
    ]) {
      const answer = await send(eva, encodeURI(decodeURI(id)));
      expect([id, sameBody(answer)]).toEqual([id, sameBody(foreign)]);
      expect(answer.headers).not.toHaveProperty('etag');
    }
    expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(task);
  });

  it('a trashed one is no more visible', async () => {
    const { id } = await aTask(ada);
    await ada.delete(`/tasks/${id}`);
    for (const [, send] of requests) expect(problem(await send(eva, id))).toEqual(notFound);
    expect((await ada.post(`/tasks/${id}/restore`)).status).toBe(200);
  });

  it('is in no list, no search and no number', async () => {
    const [owner, stranger] = await Promise.all([signUp(app), signUp(app)]);
    await aTask(owner, { title: 'Secret', tags: ['t'] });
    const queries = [
      '',
      '?q=secret',
      '?q=secret&sort=relevance',
      '?tag=t',
      '?status=todo',
      '?sort=dueAt',
      '?trashed=true',
    ];
    for (const query of queries) {
      expect((await stranger.get(`/tasks${query}`)).body).toEqual({ items: [], nextCursor: null });
    }
    expect((await stranger.get('/tasks/stats')).body).toMatchObject({ total: 0 });
  });
});

describe('an id of an impossible shape', () => {
  it('is 404 however long', async () => {
    expect((await ada.get(`/tasks/${'a'.repeat(290)}`)).status).toBe(404);
    expect((await ada.get(`/tasks/${'a'.repeat(5000)}`)).status).toBe(404);
  });
});

describe('without a token', () => {
  it.each(['get', 'patch', 'put', 'delete'] as const)('%s is 401', async (method) => {
    const { id } = await aTask(ada);
    const answer = await request(app.url)[method](`/api/v1/tasks/${id}`);
    expect(answer.status).toBe(401);
    expect((await ada.get(`/tasks/${id}`)).status).toBe(200);
  });
});
