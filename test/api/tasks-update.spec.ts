import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { aTask, invalid, notFound, problem, taskModel, type TaskBody } from '../support/tasks.js';

let app: TestApp;
let ada: Client;
beforeAll(async () => {
  app = await startTestApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const full = {
  title: 'Full',
  description: 'All fields',
  status: 'in_progress',
  priority: 'urgent',
  dueAt: '2026-03-01T09:00:00.000Z',
  reminders: [{ minutesBefore: 60 }, { minutesBefore: 5 }],
  tags: ['a', 'b'],
};
const patch = (id: string, change: unknown) => ada.patch(`/tasks/${id}`).send(change as object);

describe('PATCH /tasks/:id', () => {
  it('changes what it names and keeps the rest', async () => {
    const task = await aTask(ada, full);
    const answer = await patch(task.id, { title: 'Changed', tags: ['b'] });
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"2"');
    const changed = answer.body as TaskBody;
    expect(changed).toEqual({ ...task, title: 'Changed', tags: ['b'], version: 2, updatedAt: changed.updatedAt });
    expect(Date.parse(changed.updatedAt)).toBeGreaterThanOrEqual(Date.parse(task.updatedAt));
    expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(changed);
  });

  it.each(['application/json', 'application/merge-patch+json', 'application/merge-patch+json; charset=utf-8'])(
    'is read from %s',
    async (type) => {
      const { id } = await aTask(ada);
      const body = JSON.stringify({ title: 'Patched' });
      const answer = await ada.patch(`/tasks/${id}`).set('content-type', type).send(body);
      expect([answer.status, (answer.body as TaskBody).title]).toEqual([200, 'Patched']);
    },
  );

  it('null brings the defaults back', async () => {
    const { id } = await aTask(ada, full);
    const reset = { description: null, status: null, priority: null, dueAt: null, reminders: null, tags: null };
    const answer = await patch(id, reset);
    expect(answer.status).toBe(200);
    const defaults = { description: '', status: 'todo', priority: 'medium', dueAt: null, reminders: null, tags: [] };
    expect(answer.body).toMatchObject({ title: 'Full', ...defaults, version: 2 });
  });

  const unchanging: [what: string, change: object | undefined][] = [
    ['no body', undefined],
    ['an empty patch', {}],
    ['the values it has', full],
    ['the same instant in another zone', { dueAt: '2026-03-01T10:00:00+01:00' }],
  ];
  it.each(unchanging)('%s changes nothing, not even the version', async (_what, change) => {
    const task = await aTask(ada, full);
    const answer = await patch(task.id, change);
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"1"');
    expect(answer.body).toEqual(task);
    expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(task);
  });

  it('tells the reminders its owner has set for all tasks from none at all', async () => {
    const { id } = await aTask(ada, { reminders: [] });
    expect((await ada.get(`/tasks/${id}`)).body).toMatchObject({ reminders: [], version: 1 });
    expect((await patch(id, { reminders: null })).body).toMatchObject({ reminders: null, version: 2 });
    expect((await patch(id, { reminders: [] })).body).toMatchObject({ reminders: [], version: 3 });
  });

  it('reads a task that was stored before there were reminders', async () => {
    const { id } = await aTask(ada, full);
    await taskModel(app).updateOne({ _id: id }, { $unset: { reminders: 1 } });
    expect((await ada.get(`/tasks/${id}`)).body).toMatchObject({ reminders: null });
    expect((await patch(id, { reminders: null })).body).toMatchObject({ reminders: null, version: 1 });
  });

  it('the order of tags is a change', async () => {
    const { id } = await aTask(ada, full);
    expect((await patch(id, { tags: ['b', 'a'] })).body).toMatchObject({ tags: ['b', 'a'], version: 2 });
  });

  const bad: [what: string, change: unknown, ...errors: string[]][] = [
    ['a title of null', { title: null }, '/title text'],
    ['an empty title', { title: '' }, '/title text'],
    ['a blank title', { title: '  ' }, '/title text'],
    ['an unknown field', { colour: 'red' }, '/colour unknown_field'],
    ['an unknown field of null', { colour: null }, '/colour unknown_field'],
    ['a field that the server sets', { completedAt: null }, '/completedAt unknown_field'],
    ['an operator', { $set: { title: 'x' } }, '/$set unknown_field'],
    ['an operator for a value', { status: { $ne: 'done' } }, '/status is_in'],
    ['a long title', { title: 'x'.repeat(201) }, '/title text'],
    ['a reminder after the due date', { reminders: [{ minutesBefore: -1 }] }, '/reminders reminders'],
    ['a null tag', { tags: [null] }, '/tags distinct_texts'],
    ['two mistakes beside a good field', { title: 'ok', status: 1, dueAt: 'x' }, '/status is_in', '/dueAt date_time'],
    ['an array', [], ' object'],
  ];
  it.each(bad)('%s is 422 and changes nothing', async (_what, change, ...errors) => {
    const task = await aTask(ada, full);
    expect(problem(await patch(task.id, change))).toEqual(invalid(...errors));
    expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(task);
  });

  it('sets completedAt when the status becomes done, keeps it while it is, and clears it after', async () => {
    const { id } = await aTask(ada);
    const done = (await patch(id, { status: 'done' })).body as TaskBody;
    expect(done.completedAt).toBe(done.updatedAt);
    const renamed = (await patch(id, { title: 'Still done' })).body as TaskBody;
    expect(renamed.completedAt).toBe(done.completedAt);
    const again = (await patch(id, { status: 'done', description: 'x' })).body as TaskBody;
    expect(again.completedAt).toBe(done.completedAt);
    const open = (await patch(id, { status: 'cancelled' })).body as TaskBody;
    expect(open.completedAt).toBeNull();
    const redone = (await patch(id, { status: 'done' })).body as TaskBody;
    expect(redone.completedAt).toBe(redone.updatedAt);
    expect((await patch(id, { status: null })).body).toMatchObject({ status: 'todo', completedAt: null });
  });
});

describe('PUT /tasks/:id', () => {
  it('replaces everything: what is left out has its default', async () => {
    const task = await aTask(ada, { ...full, status: 'done' });
    const answer = await ada.put(`/tasks/${task.id}`).send({ title: 'New', tags: ['c'] });
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"2"');
    expect(answer.body).toEqual({
      ...task,
      title: 'New',
      description: '',
      status: 'todo',
      priority: 'medium',
      dueAt: null,
      reminders: null,
      tags: ['c'],
      completedAt: null,
      version: 2,
      updatedAt: (answer.body as TaskBody).updatedAt,
    });
  });

  it('keeps the time of completion of a task that stays done', async () => {
    const task = await aTask(ada, { status: 'done' });
    const { body } = await ada.put(`/tasks/${task.id}`).send({ title: 'New', status: 'done' });
    expect((body as TaskBody).completedAt).toBe(task.completedAt);
  });

  it('with what is there changes nothing', async () => {
    const task = await aTask(ada, full);
    expect((await ada.put(`/tasks/${task.id}`).send(full)).body).toEqual(task);
  });

  it('wants a title and knows no other fields', async () => {
    const { id } = await aTask(ada);
    expect(problem(await ada.put(`/tasks/${id}`).send({}))).toEqual(invalid('/title text'));
    expect(problem(await ada.put(`/tasks/${id}`))).toEqual(invalid('/title text'));
    expect(problem(await ada.put(`/tasks/${id}`).send({ title: 'x', version: 1 }))).toEqual(
      invalid('/version unknown_field'),
    );
    expect(problem(await ada.put(`/tasks/${id}`).send({ title: 'x', status: null }))).toEqual(invalid('/status is_in'));
  });
});

describe('If-Match', () => {
  const writes = {
    PATCH: (id: string) => ada.patch(`/tasks/${id}`).send({ title: 'Mine' }),
    PUT: (id: string) => ada.put(`/tasks/${id}`).send({ title: 'Mine' }),
    DELETE: (id: string) => ada.delete(`/tasks/${id}`),
    'DELETE for good': (id: string) => ada.delete(`/tasks/${id}?permanent=true`),
  };
  const all = Object.entries(writes);

  it.each(all)('%s is done on the version it names, weak or strong or any', async (method, write) => {
    const expected = method.startsWith('DELETE') ? 204 : 200;
    for (const tag of ['"2"', 'W/"2"', '"1", "2"', '"1",W/"2"', '*', ' "2" ']) {
      const { id } = await aTask(ada);
      await ada.patch(`/tasks/${id}`).send({ title: 'Theirs' });
      const answer = await write(id).set('if-match', tag);
      expect([tag, answer.status]).toEqual([tag, expected]);
    }
  });

  it.each(all)('%s on another version is 412 with the current ETag, and changes nothing', async (_method, write) => {
    const { id } = await aTask(ada);
    const { body: current } = await ada.patch(`/tasks/${id}`).send({ title: 'Theirs' });
    for (const tag of ['"1"', 'W/"1"', '"3"', '"02"', '"x", "1"']) {
      const answer = await write(id).set('if-match', tag);
      expect(problem(answer)).toEqual({ status: 412, type: 'application/problem+json', code: 'task.stale' });
      expect(answer.headers['etag']).toBe('"2"');
    }
    expect((await ada.get(`/tasks/${id}`)).body).toEqual(current);
  });

  it.each(all)('%s with a malformed one is 400', async (_method, write) => {
    const { id } = await aTask(ada);
    for (const tag of ['1', '"1', 'W/1', '"1" "2"', '"2 "', '**', '']) {
      expect([tag, problem(await write(id).set('if-match', tag))]).toEqual([
        tag,
        expect.objectContaining({ status: 400, code: 'request.malformed' }),
      ]);
    }
    expect((await ada.get(`/tasks/${id}`)).body).toMatchObject({ version: 1, deletedAt: null });
  });

  it('is compared even when nothing would change', async () => {
    const { id } = await aTask(ada);
    expect((await ada.patch(`/tasks/${id}`).set('if-match', '"7"').send({})).status).toBe(412);
  });

  it('on a task that is not there is 404', async () => {
    const answer = await ada.patch('/tasks/000000000000000000000000').set('if-match', '"1"').send({});
    expect(problem(answer)).toEqual(notFound);
  });

  it('lets exactly one of many writers through', async () => {
    const { id } = await aTask(ada);
    const write = (n: number) =>
      ada
        .patch(`/tasks/${id}`)
        .set('if-match', '"1"')
        .send({ title: `Writer ${n}` });
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => write(n)));
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(11);
    expect((await ada.get(`/tasks/${id}`)).body).toEqual(winners[0]!.body);
    expect(await taskModel(app).countDocuments({ _id: id, version: 2 })).toBe(1);
  });
});

it('What is stored of a created, a changed and a trashed task is what the schema names, each value in its type', async () => {
  const model = taskModel(app);
  const created = await ada.post('/tasks').set('idempotency-key', 'stored').send(full).expect(201);
  const { id } = created.body as TaskBody;
  const stored = async (): Promise<Record<string, unknown>> =>
    (await model.collection.findOne({ _id: model.castObject({ _id: id })._id }))!;
  for (const change of [
    () => Promise.resolve(),
    () => patch(id, { title: 'Other', dueAt: null, status: 'done', reminders: null }).expect(200),
    () => ada.delete(`/tasks/${id}`).expect(204),
  ]) {
    await change();
    const raw = await stored();
    // `strict: 'throw'`: a field that the schema does not have fails here; a value of another type comes back changed.
    expect(new model(raw).toObject()).toEqual(raw);
  }
});
