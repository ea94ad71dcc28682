import { Clock } from '../../src/core/time/clock.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { allPages, aTask, nextPath, problem, tasks, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

interface PageBody {
  readonly items: TaskBody[];
  readonly nextCursor: string | null;
}

const page = async (client: Client, query: string): Promise<PageBody> => {
  const answer = await client.get(`/tasks${query}`);
  expect(answer.status).toBe(200);
  return answer.body as PageBody;
};

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('pages of GET /tasks', () => {
  it('follow each other by cursor and by Link, and the last one has neither', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: '1' }, { title: '2' }, { title: '3' }, { title: '4' }, { title: '5' }]);
    const first = await ada.get('/tasks?sort=title&limit=2&status=todo,done&status=cancelled');
    const { nextCursor } = first.body as PageBody;
    expect(nextCursor).toMatch(/^[\w-]+$/);
    const path = nextPath(first)!;
    expect(Object.fromEntries(new URLSearchParams(path.split('?')[1]))).toEqual({
      sort: 'title',
      limit: '2',
      status: 'cancelled',
      cursor: nextCursor,
    });
    const second = await ada.get(path);
    expect((second.body as PageBody).items.map(({ title }) => title)).toEqual(['3', '4']);
    const third = await ada.get(nextPath(second)!);
    expect(third.body).toMatchObject({ items: [{ title: '5' }], nextCursor: null });
    expect(third.headers).not.toHaveProperty('link');
  });

  it('a question mark in the query is a part of it, for Link too', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: 'What? 1' }, { title: 'What? 2' }, { title: 'Other' }]);
    const first = await ada.get('/tasks?q=what?&limit=1&sort=title').expect(200);
    const second = await ada.get(nextPath(first)!).expect(200);
    expect((second.body as PageBody).items.map(({ title }) => title)).toEqual(['What? 2']);
  });

  it('a page that is just full is the last one', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: '1' }, { title: '2' }]);
    expect(await page(ada, '?limit=2')).toMatchObject({ items: [{}, {}], nextCursor: null });
  });

  it('a cursor may go on with another limit', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: '1' }, { title: '2' }, { title: '3' }, { title: '4' }]);
    const { nextCursor } = await page(ada, '?sort=title&limit=1');
    expect(await titles(ada, `?sort=title&limit=3&cursor=${nextCursor}`)).toEqual(['2', '3', '4']);
  });

  it('a cursor stays good when the task it stands on is gone', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: '1' }, { title: '2' }, { title: '3' }]);
    const { items, nextCursor } = await page(ada, '?sort=title&limit=1');
    await ada.delete(`/tasks/${items[0]!.id}?permanent=true`);
    expect(await titles(ada, `?sort=title&cursor=${nextCursor}`)).toEqual(['2', '3']);
  });

  it('the cursor of an overdue list keeps the instant it began with', async () => {
    const ada = await signUp(app);
    const soon = new Date(Date.now() + 60_000).toISOString();
    await tasks(ada, [
      { title: '1', dueAt: '2020-01-01T00:00:00Z' },
      { title: '2', dueAt: '2020-01-02T00:00:00Z' },
      { title: '3', dueAt: soon },
    ]);
    const { nextCursor } = await page(ada, '?overdue=true&sort=dueAt&limit=1');
    const clock = jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + 120_000));
    try {
      expect(await titles(ada, `?overdue=true&sort=dueAt&cursor=${nextCursor}`)).toEqual(['2']);
      expect(await titles(ada, '?overdue=true&sort=dueAt&limit=3')).toEqual(['1', '2', '3']);
    } finally {
      clock.mockRestore();
    }
  });
});

describe('a cursor that does not fit is 422 cursor.invalid', () => {
  const wrong = { status: 422, type: 'application/problem+json', code: 'cursor.invalid' };
  const query = '?limit=1&status=todo&tag=a,b&sort=title';
  let ada: Client;
  let cursor: string;
  beforeAll(async () => {
    ada = await signUp(app);
    await tasks(ada, [
      { title: '1', tags: ['a'] },
      { title: '2', tags: ['b'] },
    ]);
    cursor = (await page(ada, query)).nextCursor!;
  });

  const others: [what: string, query: string][] = [
    ['another order', '?limit=1&status=todo&tag=a,b&sort=-title'],
    ['the default order', '?limit=1&status=todo&tag=a,b'],
    ['relevance', '?limit=1&status=todo&tag=a,b&sort=relevance&q=x'],
    ['another status', '?limit=1&status=done&tag=a,b&sort=title'],
    ['one filter less', '?limit=1&status=todo&sort=title'],
    ['one filter more', '?limit=1&status=todo&tag=a,b&priority=low&sort=title'],
    ['one value less', '?limit=1&status=todo&tag=a&sort=title'],
    ['a search', '?limit=1&status=todo&tag=a,b&sort=title&q=1'],
    ['the trash', '?limit=1&status=todo&tag=a,b&sort=title&trashed=true'],
  ];

  it.each(others)('with %s', async (_what, other) => {
    expect(problem(await ada.get(`/tasks${other}&cursor=${cursor}`))).toEqual(wrong);
  });

  it('of another user', async () => {
    const eva = await signUp(app);
    expect(problem(await eva.get(`/tasks${query}&cursor=${cursor}`))).toEqual(wrong);
  });

  it('changed in any place, cut short or made longer', async () => {
    for (let at = 0; at < cursor.length; at += 5) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const tampered = cursor.slice(0, at) + other + cursor.slice(at + 1);
      expect([at, problem(await ada.get(`/tasks${query}&cursor=${tampered}`))]).toEqual([at, wrong]);
    }
    for (const tampered of ['', 'x', cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, `%20${cursor}`, 'null', '%00']) {
      expect([tampered, problem(await ada.get(`/tasks${query}&cursor=${tampered}`))]).toEqual([tampered, wrong]);
    }
  });

  it('but the same filters in another spelling are the same', async () => {
    expect(await titles(ada, `?tag=b&tag=a&cursor=${cursor}&sort=title&status=todo`)).toEqual(['2']);
  });
});

describe('a task that exists throughout and keeps its sort key appears exactly once', () => {
  // Titles, priorities and dates come several times each, so that pages end within ties.
  const aStableTask = (pick: (below: number) => number, n: number) => ({
    title: `stable ${pick(6)}`,
    description: `${n}`,
    priority: ['low', 'medium', 'high', 'urgent'][pick(4)],
    dueAt: pick(3) === 0 ? null : new Date(Date.UTC(2026, 0, 1 + pick(5))).toISOString(),
  });

  const orders = ['createdAt', 'dueAt', 'priority', 'title', 'updatedAt'].flatMap((key) => [key, `-${key}`]);

  it.each(orders)('sort=%s, while others come, change and go', async (sort) => {
    const ada = await signUp(app);
    const pick = numbers(sort.length * 7919);
    const stable = await tasks(
      ada,
      Array.from({ length: 60 }, (_, n) => aStableTask(pick, n)),
    );
    const moving = (
      await tasks(
        ada,
        Array.from({ length: 30 }, (_, n) => aStableTask(pick, n)),
      )
    ).map(({ id }) => id);
    const change = async (): Promise<void> => {
      const id = moving[pick(moving.length)]!;
      const work = [
        () => ada.patch(`/tasks/${id}`).send(aStableTask(pick, pick(1000))),
        () => ada.delete(`/tasks/${id}`),
        () => ada.post(`/tasks/${id}/restore`),
        () => ada.post('/tasks').send(aStableTask(pick, 0)),
        () => ada.delete(`/tasks/${id}?permanent=true`),
      ];
      // What does not move a task in this order may happen to the stable ones as well.
      const still = stable[pick(stable.length)]!.id;
      const keeping = sort.includes('updatedAt')
        ? work[0]!
        : () => ada.patch(`/tasks/${still}`).send({ tags: [`t${pick(9)}`] });
      await Promise.all([work[pick(work.length)]!(), work[pick(work.length)]!(), keeping()]);
    };
    const seen = (await allPages(ada, `?sort=${sort}&limit=${3 + pick(5)}`, change)).map(({ id }) => id);
    const times = new Map(stable.map(({ id }) => [id, 0]));
    for (const id of seen) if (times.has(id)) times.set(id, times.get(id)! + 1);
    expect([...new Set(times.values())]).toEqual([1]);
  });

  it('also when all of them were created in the same millisecond', async () => {
    const ada = await signUp(app);
    const clock = jest.spyOn(app.app.get(Clock), 'now').mockReturnValue(new Date());
    const created = await tasks(
      ada,
      Array.from({ length: 25 }, () => ({ title: 'twin' })),
    );
    clock.mockRestore();
    expect(new Set(created.map(({ createdAt }) => createdAt)).size).toBe(1);
    for (const sort of orders) {
      const seen = await allPages(ada, `?sort=${sort}&limit=4`);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(25);
      expect(seen).toHaveLength(25);
    }
  });
});

describe('the pages of the trash', () => {
  it('are pages like any other', async () => {
    const ada = await signUp(app);
    const created = await tasks(
      ada,
      Array.from({ length: 7 }, (_, n) => ({ title: `${n}` })),
    );
    for (const { id } of created) await ada.delete(`/tasks/${id}`);
    await aTask(ada, { title: 'live' });
    const found = await allPages(ada, '?trashed=true&sort=title&limit=3');
    expect(found.map(({ title }) => title)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(found.every(({ deletedAt }) => deletedAt !== null)).toBe(true);
  });
});
