import { toPending, type DomainEvent } from '../../src/core/events/domain-event.js';
import { EventBus } from '../../src/core/events/event-bus.js';
import { EventLog } from '../../src/core/events/event-log.repository.js';
import { CacheStore } from '../../src/core/cache/cache.store.js';
import { Clock } from '../../src/core/time/clock.js';
import { TasksService } from '../../src/modules/tasks/index.js';
import { TrashSweeper } from '../../src/modules/tasks/trash.sweeper.js';
import { UserDeleted, UserPurgeDue } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { aTask, notFound, problem, taskModel, tasks, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
let ada: Client;
beforeAll(async () => {
  app = await startTestApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const stored = (id: string) => taskModel(app).countDocuments({ _id: id });

describe('DELETE /tasks/:id', () => {
  it('puts the task into the trash, without a body to its answer', async () => {
    const task = await aTask(ada);
    const answer = await ada.delete(`/tasks/${task.id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    const trashed = (await ada.get(`/tasks/${task.id}`)).body as TaskBody;
    expect(trashed).toEqual({
      ...task,
      version: 2,
      updatedAt: trashed.updatedAt,
      deletedAt: expect.stringMatching(/Z$/),
    });
  });

  it('may carry a Content-Type and an empty body', async () => {
    const { id } = await aTask(ada);
    expect((await ada.delete(`/tasks/${id}`).set('content-type', 'application/json').send('')).status).toBe(204);
  });

  it('takes the task out of every list but the trash, and out of the numbers', async () => {
    const eva = await signUp(app);
    const { id } = await aTask(eva, { title: 'Waste', tags: ['t'], status: 'done' });
    await aTask(eva, { title: 'Keep' });
    await eva.delete(`/tasks/${id}`);
    expect(await titles(eva)).toEqual(['Keep']);
    for (const query of ['?status=done', '?tag=t', '?q=waste', '?q=waste&sort=relevance']) {
      expect([query, await titles(eva, query)]).toEqual([query, []]);
    }
    expect(await titles(eva, '?trashed=true')).toEqual(['Waste']);
    expect(await titles(eva, '?trashed=true&q=was&status=done&tag=t')).toEqual(['Waste']);
    expect(await titles(eva, '?trashed=true&q=waste&sort=relevance')).toEqual(['Waste']);
    expect((await eva.get('/tasks/stats')).body).toMatchObject({ total: 1, byStatus: { done: 0 } });
  });

  it('makes PATCH, PUT and a second DELETE answer 404', async () => {
    const { id } = await aTask(ada);
    await ada.delete(`/tasks/${id}`);
    expect(problem(await ada.patch(`/tasks/${id}`).send({ title: 'x' }))).toEqual(notFound);
    expect(problem(await ada.put(`/tasks/${id}`).send({ title: 'x' }))).toEqual(notFound);
    expect(problem(await ada.delete(`/tasks/${id}`))).toEqual(notFound);
    expect((await ada.get(`/tasks/${id}`)).body).toMatchObject({ title: 'A task', version: 2 });
  });

  it('does not read permanent loosely', async () => {
    const { id } = await aTask(ada);
    for (const query of [
      'permanent=1',
      'permanent=',
      'permanent=TRUE',
      'permanent=true&permanent=true',
      'force=true',
    ]) {
      expect([query, (await ada.delete(`/tasks/${id}?${query}`)).status]).toEqual([query, 422]);
    }
    expect((await ada.delete(`/tasks/${id}?permanent=false`)).status).toBe(204);
    expect((await ada.post(`/tasks/${id}/restore`)).status).toBe(200);
  });
});

describe('DELETE /tasks/:id?permanent=true', () => {
  it.each(['live', 'trashed'])('removes a %s task at once for everybody, and soon from the store', async (place) => {
    const { id } = await aTask(ada, { title: 'Unique elephant' });
    if (place === 'trashed') await ada.delete(`/tasks/${id}`);
    const answer = await ada.delete(`/tasks/${id}?permanent=true`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(problem(await ada.get(`/tasks/${id}`))).toEqual(notFound);
    expect(problem(await ada.post(`/tasks/${id}/restore`))).toEqual(notFound);
    expect(problem(await ada.delete(`/tasks/${id}?permanent=true`))).toEqual(notFound);
    expect(await titles(ada, '?q=elephant')).toEqual([]);
    expect(await titles(ada, '?q=elephant&trashed=true')).toEqual([]);
    await eventually(async () => expect(await stored(id)).toBe(0));
  });
});

describe('POST /tasks/:id/restore', () => {
  it('brings the task back as it was', async () => {
    const task = await aTask(ada, { status: 'done', tags: ['a'], dueAt: '2026-01-01T00:00:00.000Z' });
    await ada.delete(`/tasks/${task.id}`);
    const answer = await ada.post(`/tasks/${task.id}/restore`);
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"3"');
    expect(answer.body).toEqual({ ...task, version: 3, updatedAt: (answer.body as TaskBody).updatedAt });
    expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(answer.body);
  });

  it('honours If-Match', async () => {
    const { id } = await aTask(ada);
    await ada.delete(`/tasks/${id}`).expect(204);
    const stale = await ada.post(`/tasks/${id}/restore`).set('if-match', '"1"');
    expect(problem(stale)).toMatchObject({ status: 412, code: 'task.stale' });
    expect(stale.headers['etag']).toBe('"2"');
    expect((await ada.get(`/tasks/${id}`)).body).toMatchObject({ deletedAt: expect.any(String) });
    const restored = await ada.post(`/tasks/${id}/restore`).set('if-match', 'W/"2"').expect(200);
    expect(restored.headers['etag']).toBe('"3"');
  });

  it('of a task that is not in the trash is 404', async () => {
    const { id } = await aTask(ada);
    expect(problem(await ada.post(`/tasks/${id}/restore`))).toEqual(notFound);
  });
});

describe('the sweeper', () => {
  const DAY = 24 * 60 * 60 * 1000;
  const ago = async <T>(ms: number, work: () => PromiseLike<T>): Promise<T> => {
    const clock = jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() - ms));
    try {
      return await work();
    } finally {
      clock.mockRestore();
    }
  };

  it('keeps the trash for 30 days and removes it then, whoever owns it', async () => {
    const [eva, ida] = await Promise.all([signUp(app), signUp(app)]);
    const [old, fresh, other] = [await aTask(eva), await aTask(eva, { title: 'Fresh' }), await aTask(ida)];
    await aTask(eva, { title: 'Alive' });
    await ago(30 * DAY + 1000, () => eva.delete(`/tasks/${old.id}`));
    await ago(30 * DAY + 1000, () => ida.delete(`/tasks/${other.id}`));
    await ago(30 * DAY - 60_000, () => eva.delete(`/tasks/${fresh.id}`));
    expect(await titles(eva, '?trashed=true')).toEqual(['Fresh', 'A task']);
    await app.app.get(TrashSweeper).sweep();
    expect(await titles(eva, '?trashed=true')).toEqual(['Fresh']);
    expect(problem(await eva.get(`/tasks/${old.id}`))).toEqual(notFound);
    expect(problem(await ida.get(`/tasks/${other.id}`))).toEqual(notFound);
    expect(await titles(eva)).toEqual(['Alive']);
    await eventually(async () => expect((await stored(old.id)) + (await stored(other.id))).toBe(0));
    expect(await stored(fresh.id)).toBe(1);
  });

  it('comes back for what one batch does not hold', async () => {
    const eva = await signUp(app);
    await app.app.get(TasksService).importTasks(
      eva.user.id,
      Array.from({ length: 130 }, () => ({ title: 'Old' })),
    );
    const old = { place: 'trash', deletedAt: new Date(Date.now() - 31 * DAY) } as const;
    await taskModel(app).updateMany({ owner: eva.user.id }, { $set: old });
    await app.app.get(CacheStore).forget(eva.user.id);
    await app.app.get(TrashSweeper).sweep();
    await eventually(async () => expect(await taskModel(app).countDocuments({ owner: eva.user.id })).toBe(0), 10_000);
    expect(await titles(eva, '?trashed=true')).toEqual([]);
  });
});

describe('events', () => {
  it('tell of every write, in order, once it is stored', async () => {
    const { id } = await aTask(ada);
    await ada.patch(`/tasks/${id}`).send({ title: 'New', status: 'done' });
    await ada.patch(`/tasks/${id}`).send({ title: 'New' });
    await ada.put(`/tasks/${id}`).send({ title: 'Newer', status: 'done' });
    await ada.delete(`/tasks/${id}`);
    await ada.post(`/tasks/${id}/restore`);
    await ada.delete(`/tasks/${id}?permanent=true`);
    const facts = { taskId: id, owner: ada.user.id };
    const expected = [
      { name: 'task.created', ...facts },
      { name: 'task.updated', ...facts, fields: ['title', 'status'] },
      { name: 'task.completed', ...facts },
      { name: 'task.updated', ...facts, fields: ['title'] },
      { name: 'task.deleted', ...facts },
      { name: 'task.restored', ...facts },
      { name: 'task.removed', ...facts },
    ];
    await eventually(async () => expect(await stored(id)).toBe(0));
    const log = await app.app.get(EventLog).read(ada.user.id, 0, 1000);
    const ofTask = log.filter((event) => event.facts['taskId'] === id);
    expect(ofTask.map(({ name, facts: told }) => ({ name, ...told }))).toEqual(expected);
  });

  it('leave nothing behind in the document', async () => {
    const { id } = await aTask(ada, { status: 'done' });
    await eventually(async () => {
      const task = await taskModel(app).findById(id).lean();
      expect(task).toMatchObject({ title: 'A task' });
      expect(task).not.toHaveProperty('pending');
      expect(task).not.toHaveProperty('pendingAt');
    });
  });
});

describe('when the account is gone', () => {
  const events: [name: string, eventOf: (userId: string) => DomainEvent][] = [
    ['UserDeleted', (userId) => new UserDeleted(new Date(), userId, 2)],
    ['UserPurgeDue', (userId) => new UserPurgeDue(new Date(), userId)],
  ];

  it.each(events)(
    '%s removes its tasks, in any place, and nobody else’s; twice is harmless',
    async (_name, eventOf) => {
      const [eva, ida] = await Promise.all([signUp(app), signUp(app)]);
      const [first] = await tasks(eva, [{ title: '1' }, { title: '2' }, { title: '3' }]);
      await eva.delete(`/tasks/${first!.id}`);
      await aTask(ida);
      for (let time = 0; time < 2; time++) {
        await app.app.get(EventBus).deliver('tasks', toPending(eventOf(eva.user.id)));
        expect(await taskModel(app).countDocuments({ owner: eva.user.id })).toBe(0);
      }
      expect(await titles(ida)).toEqual(['A task']);
    },
  );
});
