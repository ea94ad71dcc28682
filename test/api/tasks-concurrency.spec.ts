import type { Response } from 'supertest';
import { searchFieldsOf } from '../../src/modules/tasks/task-search.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp } from '../support/clients.js';
import { aTask, taskModel, type TaskBody } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const ROUNDS = 12;

describe('racing writes without If-Match', () => {
  it('leave terms and completedAt as a recomputation has them, and lose nothing that was acknowledged', async () => {
    const ada = await signUp(app);
    const task = await aTask(ada, { title: 'Start', description: 'first words' });
    const patch = (change: object) => ada.patch(`/tasks/${task.id}`).send(change);
    const writers: ((round: number) => Promise<Response>)[] = [
      async (round) => patch({ title: `Título ${round} alpha${round}` }),
      async (round) => patch({ description: `beta${round} gamma${round % 3}` }),
      async (round) => patch({ status: round % 2 === 0 ? 'done' : 'todo' }),
      async (round) => patch({ status: round % 3 === 0 ? 'done' : 'in_progress', tags: [`tag${round}`] }),
    ];
    const answers = await Promise.all(
      writers.map(async (write) => {
        const mine: Response[] = [];
        for (let round = 0; round < ROUNDS; round++) mine.push(await write(round));
        return mine;
      }),
    );
    const statuses = new Set(answers.flat().map(({ status }) => status));
    statuses.delete(409);
    expect([...statuses]).toEqual([200]);

    const history = new Map<number, TaskBody>([[1, task]]);
    for (const { status, body } of answers.flat()) {
      if (status === 200) history.set((body as TaskBody).version, body as TaskBody);
    }
    const last = (await ada.get(`/tasks/${task.id}`)).body as TaskBody;
    expect([...history.keys()].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: last.version }, (_, n) => n + 1),
    );
    expect(last).toEqual(history.get(last.version));
    expectRightCompletion(history);

    const stored = (await taskModel(app).findById(task.id).lean())!;
    const { titleFolded, terms, searchTitle, searchText } = stored;
    expect({ titleFolded, terms, searchTitle, searchText }).toEqual(searchFieldsOf(last));
  });

  it('give up with 409 and not with a lost update when the others never stop', async () => {
    const ada = await signUp(app);
    const { id } = await aTask(ada);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ada.patch(`/tasks/${id}`).send({ title: `Writer ${n}` })),
    );
    const done = answers.filter(({ status }) => status === 200);
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, (body as { code: string }).code]).toEqual([409, 'write.contended']);
    }
    const last = (await ada.get(`/tasks/${id}`)).body as TaskBody;
    expect(last.version).toBe(1 + done.length);
    expect(new Set(done.map(({ body }) => (body as TaskBody).version)).size).toBe(done.length);
  });

  it('of delete and change end in one of the two orders', async () => {
    const ada = await signUp(app);
    for (let round = 0; round < 8; round++) {
      const { id } = await aTask(ada);
      const [change, removal] = await Promise.all([
        ada.patch(`/tasks/${id}`).send({ title: 'Changed' }),
        ada.delete(`/tasks/${id}`),
      ]);
      expect(removal.status).toBe(204);
      expect([200, 404]).toContain(change.status);
      const { title, deletedAt, version } = (await ada.get(`/tasks/${id}`)).body as TaskBody;
      expect(deletedAt).not.toBeNull();
      expect([title, version]).toEqual(change.status === 200 ? ['Changed', 3] : ['A task', 2]);
    }
  });
});

/** Walks the versions in order: completed when the status became done, and as long as it stayed so. */
function expectRightCompletion(history: ReadonlyMap<number, TaskBody>): void {
  let before: TaskBody | undefined;
  for (const [, now] of [...history].toSorted(([a], [b]) => a - b)) {
    const expected = now.status !== 'done' ? null : before?.status === 'done' ? before.completedAt : now.updatedAt;
    expect([now.version, now.completedAt]).toEqual([now.version, expected]);
    before = now;
  }
}
