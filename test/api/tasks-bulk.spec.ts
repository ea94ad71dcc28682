import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { aTask, invalid, list, problem, tasks, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
let ada: Client;
beforeAll(async () => {
  app = await startTestApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

interface Result {
  readonly status: number;
  readonly task?: TaskBody;
  readonly problem?: { readonly code: string; readonly errors?: { readonly pointer: string; readonly code: string }[] };
}

const bulk = (client: Client, operations: unknown) => client.post('/tasks/bulk').send({ operations });

async function results(client: Client, operations: unknown[]): Promise<Result[]> {
  const answer = await bulk(client, operations);
  expect(answer.status).toBe(200);
  const found = (answer.body as { results: Result[] }).results;
  expect(found).toHaveLength(operations.length);
  return found;
}

/** A result as one line: its status, and the code or the input errors of its problem. */
function line({ status, problem: found }: Result): string {
  if (!found) return `${status}`;
  const errors = found.errors?.map((error) => ` ${error.pointer} ${error.code}`).join('');
  return `${status} ${errors === undefined ? found.code : `${found.code}${errors}`}`;
}

const unknownId = '000000000000000000000000';

describe('POST /tasks/bulk', () => {
  it('does every kind of operation and answers in their order', async () => {
    const [one, two, three] = [await aTask(ada), await aTask(ada), await aTask(ada)];
    await ada.delete(`/tasks/${three.id}`);
    const found = await results(ada, [
      { op: 'create', task: { title: 'New', tags: ['a'], reminders: [{ minutesBefore: 5 }] } },
      { op: 'update', id: one.id, task: { status: 'done', description: null, reminders: [] } },
      { op: 'delete', id: two.id },
      { op: 'restore', id: three.id },
    ]);
    expect(found.map(({ status }) => status)).toEqual([201, 200, 204, 200]);
    expect(found[0]!.task).toMatchObject({ title: 'New', tags: ['a'], reminders: [{ minutesBefore: 5 }], version: 1 });
    expect(found[1]!.task).toMatchObject({ id: one.id, status: 'done', reminders: [], version: 2 });
    expect(found[2]).toEqual({ status: 204 });
    expect(found[3]!.task).toMatchObject({ id: three.id, deletedAt: null, version: 3 });
    for (const { task } of found) if (task) expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(task);
    expect((await ada.get(`/tasks/${two.id}`)).body).toMatchObject({ version: 2, deletedAt: expect.any(String) });
  });

  it('lets each operation fail for itself, with the problem it would have had alone', async () => {
    const [task, trashed, foreign] = [await aTask(ada), await aTask(ada), await aTask(await signUp(app))];
    await ada.delete(`/tasks/${trashed.id}`);
    const cases: [operation: unknown, expected: string][] = [
      [{ op: 'create', task: { title: 'First' } }, '201'],
      [
        { op: 'create', task: { title: '', colour: 1 } },
        '422 input.invalid /operations/1/task/colour unknown_field /operations/1/task/title text',
      ],
      [{ op: 'create' }, '422 input.invalid /operations/2/task is_defined'],
      [{ op: 'create', task: 'x' }, '422 input.invalid /operations/3/task object'],
      [{ op: 'create', id: task.id, task: { title: 'x' } }, '422 input.invalid /operations/4/id unknown_field'],
      [
        { op: 'update', id: task.id, task: { status: { $ne: 1 } } },
        '422 input.invalid /operations/5/task/status is_in',
      ],
      [{ op: 'update', id: task.id }, '422 input.invalid /operations/6/task is_defined'],
      [{ op: 'update', task: {} }, '422 input.invalid /operations/7/id is_string'],
      [{ op: 'update', id: { $gt: '' }, task: {} }, '422 input.invalid /operations/8/id is_string'],
      [{ op: 'update', id: 'x', task: {} }, '404 task.not_found'],
      [{ op: 'update', id: unknownId, task: {} }, '404 task.not_found'],
      [{ op: 'update', id: foreign.id, task: { title: 'x' } }, '404 task.not_found'],
      [{ op: 'delete', id: foreign.id }, '404 task.not_found'],
      [{ op: 'update', id: trashed.id, task: { title: 'x' } }, '404 task.not_found'],
      [{ op: 'restore', id: task.id }, '404 task.not_found'],
      [{ op: 'update', id: task.id, version: 9, task: { title: 'x' } }, '412 task.stale'],
      [{ op: 'delete', id: task.id, version: 2 }, '412 task.stale'],
      [
        { op: 'update', id: task.id, version: '1', task: {} },
        '422 input.invalid /operations/17/version min /operations/17/version is_int',
      ],
      [{ op: 'delete', id: task.id, permanent: true }, '422 input.invalid /operations/18/permanent unknown_field'],
      [{ op: 'delete', id: task.id, task: {} }, '422 input.invalid /operations/19/task unknown_field'],
      [{ op: 'replace', id: task.id }, '422 input.invalid /operations/20/op is_in'],
      [{}, '422 input.invalid /operations/21/op is_in'],
      [null, '422 input.invalid /operations/22/op is_in'],
      [[], '422 input.invalid /operations/23/op is_in'],
      ['create', '422 input.invalid /operations/24/op is_in'],
      [{ op: 'restore', id: trashed.id, version: 9 }, '412 task.stale'],
      [{ op: 'update', id: task.id, version: 1, task: { title: 'Last' } }, '200'],
    ];
    const found = await results(
      ada,
      cases.map(([operation]) => operation),
    );
    expect(found.map(line)).toEqual(cases.map(([, expected]) => expected));
    expect(found.at(-1)!.task).toMatchObject({ title: 'Last', version: 2 });
  });

  it('gives problems the form they have alone', async () => {
    const answer = await bulk(ada, [{ op: 'delete', id: unknownId }]).set('x-request-id', 'bulk-1');
    const alone = await ada.delete(`/tasks/${unknownId}`).set('x-request-id', 'bulk-1');
    const { problem: found } = (answer.body as { results: { problem: object }[] }).results[0]!;
    expect(found).toEqual({ ...(alone.body as object), instance: '/api/v1/tasks/bulk' });
  });

  it('does operations on one task in their order', async () => {
    const { id } = await aTask(ada);
    const steps = Array.from({ length: 20 }, (_, n) => ({
      op: 'update',
      id,
      version: n + 1,
      task: { title: `Step ${n}` },
    }));
    const found = await results(ada, [
      ...steps,
      { op: 'delete', id, version: 21 },
      { op: 'update', id, task: { title: 'x' } },
      { op: 'restore', id },
      { op: 'update', id, task: { title: 'End' } },
    ]);
    expect(found.map(({ status }) => status)).toEqual([...steps.map(() => 200), 204, 404, 200, 200]);
    expect(found.at(-1)!.task).toMatchObject({ title: 'End', version: 24 });
  });

  it('creates in the order of the operations', async () => {
    const eva = await signUp(app);
    const names = Array.from({ length: 100 }, (_, n) => `${n}`);
    await tasks(
      eva,
      names.map((title) => ({ title })),
    );
    expect(await titles(eva, '?sort=createdAt&limit=100')).toEqual(names);
  });

  it('shows everything in the next list and the next numbers', async () => {
    const eva = await signUp(app);
    await list(eva);
    await eva.get('/tasks/stats');
    await results(eva, [
      { op: 'create', task: { title: 'A' } },
      { op: 'create', task: { title: '' } },
    ]);
    expect(await titles(eva)).toEqual(['A']);
    expect((await eva.get('/tasks/stats')).body).toMatchObject({ total: 1 });
  });

  it('takes no operations for an answer', async () => {
    expect((await bulk(ada, [])).body).toEqual({ results: [] });
  });
});

describe('the envelope of a bulk request', () => {
  it('holds at most 100 operations', async () => {
    const eva = await signUp(app);
    const operations = Array.from({ length: 101 }, () => ({ op: 'create', task: { title: 'x' } }));
    expect(problem(await bulk(eva, operations))).toEqual(invalid('/operations array_max_size'));
    expect(await titles(eva)).toEqual([]);
  });

  const bad: [what: string, body: unknown, ...errors: string[]][] = [
    ['no operations', {}, '/operations array_max_size', '/operations is_array'],
    ['an object for operations', { operations: { 0: {} } }, '/operations array_max_size', '/operations is_array'],
    ['null for operations', { operations: null }, '/operations array_max_size', '/operations is_array'],
    ['an unknown field', { operations: [], atomic: true }, '/atomic unknown_field'],
    ['an array', [], ' object'],
  ];
  it.each(bad)('with %s is 422', async (_what, body, ...errors) => {
    expect(problem(await ada.post('/tasks/bulk').send(body as object))).toEqual(invalid(...errors));
  });

  it('may have 4 MiB and no more', async () => {
    const body = (bytes: number): string => {
      const [head, tail] = ['{"operations":[{"op":"create","task":{"title":"', '"}}]}'];
      return `${head}${'t'.repeat(bytes - head.length - tail.length)}${tail}`;
    };
    const send = (text: string) => ada.post('/tasks/bulk').set('content-type', 'application/json').send(text);
    const fits = await send(body(4 * 1024 * 1024));
    expect(fits.status).toBe(200);
    expect((fits.body as { results: Result[] }).results.map(line)).toEqual([
      '422 input.invalid /operations/0/task/title text',
    ]);
    expect(problem(await send(body(4 * 1024 * 1024 + 1)))).toMatchObject({ status: 413, code: 'request.too_large' });
  });

  it('holds a hundred tasks of the greatest length', async () => {
    const eva = await signUp(app);
    const task = { title: '🎉'.repeat(200), description: 'd'.repeat(10_000), tags: ['a'] };
    const found = await results(
      eva,
      Array.from({ length: 100 }, () => ({ op: 'create', task })),
    );
    expect(new Set(found.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await list(eva, '?limit=100')).toHaveLength(100);
  });

  it('wants a signed-in user', async () => {
    expect((await request(app.url).post('/api/v1/tasks/bulk').send({ operations: [] })).status).toBe(401);
  });
});

describe('POST /tasks/bulk with Idempotency-Key', () => {
  const keyed = (client: Client, key: string, operations: unknown[]) =>
    bulk(client, operations).set('idempotency-key', key);
  const create = (title: string) => ({ op: 'create', task: { title } });

  it('creates nothing twice, and says so', async () => {
    const eva = await signUp(app);
    const key = randomUUID();
    const first = await keyed(eva, key, [create('A'), create('A'), create('B')]);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    const again = await keyed(eva, key, [create('A'), create('A'), create('B')]);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await titles(eva)).toSorted()).toEqual(['A', 'A', 'B']);
  });

  it('finishes what an interrupted request has begun', async () => {
    const eva = await signUp(app);
    const key = randomUUID();
    await keyed(eva, key, [create('A')]);
    const again = await keyed(eva, key, [create('A'), create('B')]);
    expect((again.body as { results: Result[] }).results.map(({ status }) => status)).toEqual([201, 201]);
    expect(again.headers).not.toHaveProperty('idempotency-replayed');
    expect((await titles(eva)).toSorted()).toEqual(['A', 'B']);
  });

  it('refuses another task under the same key, and does the rest', async () => {
    const eva = await signUp(app);
    const key = randomUUID();
    await keyed(eva, key, [create('A'), create('B')]);
    const again = await keyed(eva, key, [create('A'), create('Other'), create('C')]);
    expect((again.body as { results: Result[] }).results.map(line)).toEqual([
      '201',
      '422 idempotency.key_reused',
      '201',
    ]);
    expect((await titles(eva)).toSorted()).toEqual(['A', 'B', 'C']);
  });

  it('creates each task once when equal requests race, with the longest key', async () => {
    const eva = await signUp(app);
    const key = 'k'.repeat(255);
    const operations = Array.from({ length: 12 }, (_, n) => create(`${n}`));
    const answers = await Promise.all(Array.from({ length: 8 }, () => keyed(eva, key, operations)));
    const all = answers.map(({ body }) => (body as { results: Result[] }).results);
    expect(all.map((found) => found.map(line))).toEqual(all.map(() => operations.map(() => '201')));
    expect(new Set(all.map((found) => found.map(({ task }) => task?.id).join())).size).toBe(1);
    expect(await titles(eva)).toHaveLength(12);
  });
});
