import { fold } from '../../src/core/search/fold.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { allPages, aTask, invalid, list, problem, tasks, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString();

describe('GET /tasks filters', () => {
  let ada: Client;
  beforeAll(async () => {
    ada = await signUp(app);
    await tasks(ada, [
      { title: 'A', status: 'todo', priority: 'low', tags: ['home'], dueAt: '2020-01-01T00:00:00Z' },
      { title: 'B', status: 'in_progress', priority: 'high', tags: ['home', 'work'], dueAt: '2020-02-01T00:00:00Z' },
      { title: 'C', status: 'done', priority: 'high', tags: ['work'], dueAt: '2020-01-15T00:00:00Z' },
      { title: 'D', status: 'cancelled', priority: 'urgent', dueAt: minutes(60) },
      { title: 'E', status: 'todo', tags: ['Home', 'a b'], dueAt: minutes(60) },
      { title: 'F', status: 'todo', priority: 'urgent' },
    ]);
  });

  const cases: [query: string, found: string][] = [
    ['', 'FEDCBA'],
    ['status=todo', 'FEA'],
    ['status=todo,done', 'FECA'],
    ['status=todo&status=done', 'FECA'],
    ['status=todo,done&status=cancelled', 'FEDCA'],
    ['status=todo,todo', 'FEA'],
    ['priority=high', 'CB'],
    ['priority=urgent,low', 'FDA'],
    ['tag=home', 'BA'],
    ['tag=home,work', 'CBA'],
    ['tag=work&tag=Home', 'ECB'],
    ['tag=a%20b', 'E'],
    ['tag=nothing', ''],
    ['status=todo&tag=home', 'A'],
    ['status=todo,in_progress&priority=high,urgent', 'FB'],
    ['status=done&priority=high&tag=work', 'C'],
    ['dueAfter=2020-01-15T00:00:00Z', 'EDCB'],
    ['dueBefore=2020-01-15T00:00:00Z', 'A'],
    ['dueAfter=2020-01-01T00:00:00Z&dueBefore=2020-02-01T00:00:00Z', 'CA'],
    ['dueAfter=2020-01-14T23:30:00-01:00&dueBefore=2020-02-01T00:00:00.001%2B00:00', 'B'],
    ['overdue=true', 'BA'],
    ['overdue=true&status=todo', 'A'],
    ['overdue=true&status=done', ''],
    ['overdue=true&dueAfter=2020-01-10T00:00:00Z', 'B'],
    ['overdue=true&dueBefore=2020-01-10T00:00:00Z', 'A'],
    ['overdue=true&priority=high&sort=dueAt', 'B'],
    ['trashed=true', ''],
    ['sort=title&status=todo', 'AEF'],
    ['sort=-priority&tag=home,work', 'CBA'],
  ];

  it.each(cases)('%s', async (query, found) => {
    const answer = await ada.get(`/tasks?${query}`);
    expect(answer.status).toBe(200);
    const { items, nextCursor } = answer.body as { items: TaskBody[]; nextCursor: null };
    expect(items.map(({ title }) => title).join('')).toBe(found);
    expect(nextCursor).toBeNull();
    expect(answer.headers).not.toHaveProperty('link');
    expect(answer.headers['etag']).toMatch(/^"[^"]+"$/);
  });

  it('each task is the one that GET /:id answers', async () => {
    for (const task of await list(ada)) expect((await ada.get(`/tasks/${task.id}`)).body).toEqual(task);
  });
});

describe('GET /tasks with a bad query', () => {
  let ada: Client;
  beforeAll(async () => {
    ada = await signUp(app);
  });

  const cases: [query: string, ...errors: string[]][] = [
    ['status=open', '/status is_in'],
    ['status=', '/status is_in'],
    ['status=todo,', '/status is_in'],
    ['status[$ne]=done', '/status[$ne] unknown_field'],
    ['priority=2', '/priority is_in'],
    ['tag=', '/tag distinct_texts'],
    [`tag=${'x'.repeat(51)}`, '/tag distinct_texts'],
    ['dueAfter=yesterday', '/dueAfter date_time'],
    ['dueBefore=2020-01-01', '/dueBefore date_time'],
    ['dueAfter=2020-01-01T00:00:00Z&dueAfter=2021-01-01T00:00:00Z', '/dueAfter date_time'],
    ['overdue=false', '/overdue equals'],
    ['overdue=1', '/overdue equals'],
    ['trashed=yes', '/trashed equals'],
    ['sort=id', '/sort is_in'],
    ['sort=%2BcreatedAt', '/sort is_in'],
    ['sort=createdAt&sort=title', '/sort is_in'],
    ['sort=-relevance&q=x', '/sort is_in'],
    ['sort=relevance', '/sort needs_q'],
    [`q=${'x'.repeat(201)}`, '/q text'],
    ['q=a&q=b', '/q text'],
    ['page=2', '/page unknown_field'],
    ['constructor=1', '/constructor unknown_field'],
    ['__proto__=1', '/__proto__ unknown_field'],
    ['offset=0&skip=1', '/offset unknown_field', '/skip unknown_field'],
  ];

  it.each(cases)('%s is 422', async (query, ...errors) => {
    expect(problem(await ada.get(`/tasks?${query}`))).toEqual(invalid(...errors));
  });

  it.each(['0', '101', '-1', '1.5', 'ten', '', '1e1', '0x10', '99999999999999999999', '5&limit=6'])(
    'limit=%s is 422',
    async (limit) => {
      expect(problem(await ada.get(`/tasks?limit=${limit}`))).toMatchObject({ status: 422, code: 'input.invalid' });
    },
  );
});

describe('GET /tasks order', () => {
  const sortValue: Record<string, (task: TaskBody) => string | number | null> = {
    createdAt: ({ createdAt }) => createdAt,
    updatedAt: ({ updatedAt }) => updatedAt,
    dueAt: ({ dueAt }) => dueAt,
    priority: ({ priority, createdAt }) => ['low', 'medium', 'high', 'urgent'].indexOf(priority) + createdAt,
    title: ({ title }) => Buffer.from(fold(title)).toString('hex'),
  };

  /** The order as API.md says it, by comparing every task with every other. */
  function sorted(all: readonly TaskBody[], key: string, direction: 1 | -1): string[] {
    const valueOf = sortValue[key]!;
    const compare = (a: string | number, b: string | number) => (a < b ? -direction : a > b ? direction : 0);
    return all
      .toSorted((a, b) => {
        const [left, right] = [valueOf(a), valueOf(b)];
        if ((left === null) !== (right === null)) return left === null ? 1 : -1;
        return compare(left ?? 0, right ?? 0) || compare(a.id, b.id);
      })
      .map(({ id }) => id);
  }

  let ada: Client;
  let all: TaskBody[];
  beforeAll(async () => {
    ada = await signUp(app);
    const words = [
      'Zebra',
      'äpfel',
      'Apfel',
      'ÉCLAIR',
      'eclair',
      'straße',
      'Strasse',
      '10',
      '9',
      '🎉',
      'zebra',
      'Ωmega',
    ];
    const inputs = Array.from({ length: 83 }, (_, n) => ({
      title: words[(n * 7) % words.length]!,
      priority: ['low', 'medium', 'high', 'urgent'][(n * 5) % 4],
      dueAt: n % 3 === 0 ? null : new Date(Date.UTC(2026, 0, 1 + ((n * 11) % 9))).toISOString(),
    }));
    const created = await tasks(ada, inputs);
    for (const { id } of created.slice(20, 40)) await ada.patch(`/tasks/${id}`).send({ description: 'changed' });
    all = await allPages(ada, '?limit=100');
    expect(all).toHaveLength(83);
  });

  const orders = Object.keys(sortValue).flatMap((key) => [key, `-${key}`]);

  it.each(orders)('sort=%s, on one page and on many', async (sort) => {
    const direction = sort.startsWith('-') ? -1 : 1;
    const expected = sorted(all, sort.replace('-', ''), direction);
    for (const limit of [100, 1, 7, 83]) {
      const found = await allPages(ada, `?sort=${sort}&limit=${limit}`);
      expect([limit, found.map(({ id }) => id)]).toEqual([limit, expected]);
    }
  });

  it.each(orders)('sort=%s under filters, page by page', async (sort) => {
    const filtered = all.filter(({ priority, title }) => priority !== 'low' && fold(title).startsWith('z'));
    const expected = sorted(filtered, sort.replace('-', ''), sort.startsWith('-') ? -1 : 1);
    const found = await allPages(ada, `?sort=${sort}&limit=2&priority=medium,high,urgent&q=Z`);
    expect(found.map(({ id }) => id)).toEqual(expected);
    expect(found.length).toBeGreaterThan(4);
  });

  it.each(['dueAt', '-dueAt'])('sort=%s within a range of due dates, page by page', async (sort) => {
    const [from, to] = ['2026-01-03T00:00:00.000Z', '2026-01-07T00:00:00.000Z'];
    const within = all.filter(({ dueAt }) => dueAt !== null && dueAt >= from && dueAt < to);
    const expected = sorted(within, 'dueAt', sort === 'dueAt' ? 1 : -1);
    const found = await allPages(ada, `?sort=${sort}&limit=3&dueAfter=${from}&dueBefore=${to}`);
    expect(found.map(({ id }) => id)).toEqual(expected);
    expect(found.length).toBeGreaterThan(9);
  });

  it('is -createdAt by default, twenty on a page', async () => {
    const items = await list(ada);
    expect(items.map(({ id }) => id)).toEqual(sorted(all, 'createdAt', -1).slice(0, 20));
  });
});

describe('GET /tasks from the cache', () => {
  it('a first page is kept until the next write of its owner, whatever write it is', async () => {
    const ada = await signUp(app);
    const task = await aTask(ada, { title: 'One' });
    const doomed = await aTask(ada, { title: 'Two' });
    const status = async () => (await ada.get('/tasks?sort=title')).headers['cache-status'];
    const writes: [what: string, write: () => PromiseLike<unknown>][] = [
      ['create', () => ada.post('/tasks').send({ title: 'Three' })],
      ['patch', () => ada.patch(`/tasks/${task.id}`).send({ title: 'Uno' })],
      ['put', () => ada.put(`/tasks/${task.id}`).send({ title: 'Eins' })],
      ['delete', () => ada.delete(`/tasks/${task.id}`)],
      ['restore', () => ada.post(`/tasks/${task.id}/restore`)],
      ['remove', () => ada.delete(`/tasks/${doomed.id}?permanent=true`)],
      ['bulk', () => ada.post('/tasks/bulk').send({ operations: [{ op: 'create', task: { title: 'Four' } }] })],
    ];
    for (const [what, write] of writes) {
      await status();
      expect([what, await status()]).toEqual([what, 'taskflow; hit']);
      await write();
      expect([what, await status()]).toEqual([what, 'taskflow; fwd=miss']);
    }
    expect(await titles(ada, '?sort=title')).toEqual(['Eins', 'Four', 'Three']);
  });

  it('a hit is the answer of the miss: body, ETag, Link and 304', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: 'One' }, { title: 'Two' }]);
    const miss = await ada.get('/tasks?limit=1&sort=title');
    const hit = await ada.get('/tasks?sort=title&limit=1');
    expect([miss.headers['cache-status'], hit.headers['cache-status']]).toEqual([
      'taskflow; fwd=miss',
      'taskflow; hit',
    ]);
    expect(hit.text).toBe(miss.text);
    for (const header of ['etag', 'link', 'content-type', 'cache-control']) {
      expect([header, hit.headers[header]]).toEqual([header, miss.headers[header]]);
    }
    const unchanged = await ada.get('/tasks?sort=title&limit=1').set('if-none-match', miss.headers['etag']!);
    expect([unchanged.status, unchanged.text]).toEqual([304, '']);
  });

  it('later pages and searches are not kept, and have an ETag all the same', async () => {
    const ada = await signUp(app);
    await tasks(ada, [{ title: 'One' }, { title: 'Two' }]);
    const { nextCursor } = (await ada.get('/tasks?limit=1')).body as { nextCursor: string };
    for (const path of [`/tasks?limit=1&cursor=${nextCursor}`, '/tasks?q=one', '/tasks?q=one&sort=relevance']) {
      for (let time = 0; time < 2; time++) {
        const answer = await ada.get(path);
        expect(answer.status).toBe(200);
        expect(answer.headers).not.toHaveProperty('cache-status');
        const again = await ada.get(path).set('if-none-match', answer.headers['etag']!);
        expect(again.status).toBe(304);
      }
    }
  });

  it('nobody gets what is kept for somebody else', async () => {
    const [ada, eva] = await Promise.all([signUp(app), signUp(app)]);
    await aTask(ada, { title: 'Mine' });
    expect(await titles(ada)).toEqual(['Mine']);
    const answer = await eva.get('/tasks');
    expect(answer.headers['cache-status']).toBe('taskflow; fwd=miss');
    expect(answer.body).toEqual({ items: [], nextCursor: null });
  });

  it('overdue=true is not kept past the instant at which a task becomes overdue', async () => {
    const ada = await signUp(app);
    const dueAt = Date.now() + 1500;
    await aTask(ada, { title: 'Soon', dueAt: new Date(dueAt).toISOString() });
    for (;;) {
      const before = Date.now();
      const found = await titles(ada, '?overdue=true');
      if (Date.now() <= dueAt) expect(found).toEqual([]);
      if (before > dueAt + 1) {
        expect(found).toEqual(['Soon']);
        break;
      }
    }
  });
});
