import { randomUUID } from 'node:crypto';
import { Clock } from '../../src/core/time/clock.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { problem, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const create = (client: Client, key: string, input: object = { title: 'Once' }) =>
  client.post('/tasks').set('idempotency-key', key).send(input);
const reused = { status: 422, type: 'application/problem+json', code: 'idempotency.key_reused' };

describe('POST /tasks with Idempotency-Key', () => {
  it('answers the same key and body with the same task, and says so', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const first = await create(ada, key, { title: 'Once', tags: ['a'], priority: 'low' });
    expect(first.status).toBe(201);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    const again = await create(ada, key, { priority: 'low', title: 'Once', tags: ['a'] });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'],
      etag: '"1"',
    });
    expect(await titles(ada)).toEqual(['Once']);
  });

  it('answers the task as it is now, wherever it is', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const { id } = (await create(ada, key)).body as TaskBody;
    await ada.patch(`/tasks/${id}`).send({ title: 'Changed' });
    const changed = await create(ada, key);
    expect(changed.body).toMatchObject({ id, title: 'Changed', version: 2 });
    expect(changed.headers['etag']).toBe('"2"');
    await ada.delete(`/tasks/${id}`);
    expect((await create(ada, key)).body).toMatchObject({ id, version: 3, deletedAt: expect.any(String) });
  });

  it('makes another task once the first one is gone for good', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const { id } = (await create(ada, key)).body as TaskBody;
    await ada.delete(`/tasks/${id}?permanent=true`);
    const again = await create(ada, key);
    expect(again.status).toBe(201);
    expect((again.body as TaskBody).id).not.toBe(id);
    expect(again.headers).not.toHaveProperty('idempotency-replayed');
  });

  it.each([{ title: 'Other' }, { title: 'Once', tags: ['a'] }, { title: 'Once', status: 'todo' }])(
    'refuses the same key with the body %j',
    async (other) => {
      const ada = await signUp(app);
      const key = randomUUID();
      await create(ada, key);
      expect(problem(await create(ada, key, other))).toEqual(reused);
      expect(await titles(ada)).toEqual(['Once']);
    },
  );

  it('makes one task of 50 equal requests at the same time', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, () => create(ada, key)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 201));
    expect(new Set(answers.map(({ body }) => (body as TaskBody).id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    expect(await titles(ada)).toEqual(['Once']);
  });

  it('lets one of several bodies win a race for one key', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => create(ada, key, { title: `Body ${n}` })));
    const outcomes = answers.map(
      (answer) => `${answer.status} ${answer.status === 201 ? 'created' : problem(answer).code}`,
    );
    expect(outcomes.toSorted()).toEqual(['201 created', ...Array<string>(11).fill('422 idempotency.key_reused')]);
    expect(await titles(ada)).toHaveLength(1);
  });

  it('keeps the keys of users apart', async () => {
    const [ada, eva] = await Promise.all([signUp(app), signUp(app)]);
    const key = randomUUID();
    const [mine, hers] = [await create(ada, key), await create(eva, key, { title: 'Hers' })];
    expect([mine.status, hers.status]).toEqual([201, 201]);
    expect((mine.body as TaskBody).id).not.toBe((hers.body as TaskBody).id);
    // Each gets their own again, and never the other's, whoever came first.
    expect((await create(ada, key)).body).toEqual(mine.body);
    expect((await create(eva, key, { title: 'Hers' })).body).toEqual(hers.body);
    expect(problem(await create(eva, key))).toMatchObject({ status: 422, code: 'idempotency.key_reused' });
  });

  it('makes any number of tasks without a key', async () => {
    const ada = await signUp(app);
    for (let time = 0; time < 3; time++) await ada.post('/tasks').send({ title: 'Same' });
    expect(await titles(ada)).toEqual(['Same', 'Same', 'Same']);
  });

  it('does not remember a request that was refused', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    expect((await create(ada, key, { title: '' })).status).toBe(422);
    expect((await create(ada, key)).status).toBe(201);
  });

  it.each(['k', ' inner space ', '!"#$%&/()=?', 'x'.repeat(255)])('takes %j for a key', async (key) => {
    const ada = await signUp(app);
    const [first, again] = [await create(ada, key), await create(ada, key)];
    expect(first.status).toBe(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it.each(['', 'x'.repeat(256), 'ü', 'a\tb'])('refuses %j for a key with 400', async (key) => {
    const ada = await signUp(app);
    expect(problem(await create(ada, key))).toMatchObject({ status: 400, code: 'request.malformed' });
    expect(await titles(ada)).toEqual([]);
  });

  it('remembers a key for 24 hours and then lets it be used again', async () => {
    const ada = await signUp(app);
    const key = randomUUID();
    const ago = async (hours: number, work: () => PromiseLike<{ status: number; headers: object; body: unknown }>) => {
      const clock = jest
        .spyOn(app.app.get(Clock), 'now')
        .mockImplementation(() => new Date(Date.now() - hours * 60 * 60 * 1000));
      try {
        return await work();
      } finally {
        clock.mockRestore();
      }
    };
    const first = await ago(25, () => create(ada, key, { title: 'Yesterday' }));
    const replayed = await ago(1.1, () => create(ada, key, { title: 'Yesterday' }));
    expect(replayed.body).toEqual(first.body);
    expect(replayed.headers).toMatchObject({ 'idempotency-replayed': 'true' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(ada, key, { title: 'Today' })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => (body as TaskBody).id)).size).toBe(1);
    expect((await titles(ada)).toSorted()).toEqual(['Today', 'Yesterday']);
  });
});
