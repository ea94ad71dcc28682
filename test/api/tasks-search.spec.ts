import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { aTask, allPages, problem, tasks, titles } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const search = (client: Client, q: string, more = '') =>
  titles(client, `?q=${encodeURIComponent(q)}&sort=title${more}`);

describe('GET /tasks?q=', () => {
  const title = 'Crème-brûlée für ΣΊΣΥΦΟΣ';
  const description = 'Straße nach İstanbul, 3.14 mal; ﬁn™ naïve e-mail@example.org ...Ёлка';
  const tags = ['Größe XL', 'c++', '日本語'];

  const found = [
    'creme',
    'CRÈME',
    'cre\u0300me',
    'brul',
    'brulee creme',
    'Crème-brûlée',
    'für',
    'fur',
    'σίσυφος',
    'ΣΙΣΥΦΟΣ',
    'strasse',
    'STRASSE',
    'straße',
    'stra',
    'istanbul',
    'İSTANBUL',
    '3',
    '3.14',
    'fin',
    'naive',
    'mail example',
    'org',
    'елка',
    'ёлка',
    'grosse',
    'xl',
    'c',
    'c++',
    '日本',
    'creme istanbul xl',
    '  creme  ',
    '"creme"',
    '-creme',
    'c.*',
    'creme creme',
    '...',
    '',
  ];
  const missed = ['reme', 'rulee', 'tanbul', 'cremes', 'creme zebra', '本語', '15', 'example mails'];

  let ada: Client;
  beforeAll(async () => {
    ada = await signUp(app);
    await aTask(ada, { title, description, tags });
  });

  it.each(found)('finds by %j', async (q) => {
    expect(await search(ada, q)).toEqual([title]);
    expect(await titles(ada, `?q=${encodeURIComponent(q)}&sort=relevance`)).toEqual([title]);
  });

  it.each(missed)('does not find by %j', async (q) => {
    expect(await search(ada, q)).toEqual([]);
    expect(await titles(ada, `?q=${encodeURIComponent(q)}&sort=relevance`)).toEqual([]);
  });

  it('wants every word, in any of title, description and tags', async () => {
    const eva = await signUp(app);
    await tasks(eva, [
      { title: 'A milk', description: 'bread', tags: ['eggs'] },
      { title: 'B milk', tags: ['bread'] },
      { title: 'C bread milkshake' },
      { title: 'D bread' },
    ]);
    expect(await search(eva, 'milk')).toEqual(['A milk', 'B milk', 'C bread milkshake']);
    expect(await search(eva, 'bread milk')).toEqual(['A milk', 'B milk', 'C bread milkshake']);
    expect(await search(eva, 'bread milk egg')).toEqual(['A milk']);
  });

  it('goes with filters, orders and pages', async () => {
    const eva = await signUp(app);
    await tasks(
      eva,
      Array.from({ length: 9 }, (_, n) => ({ title: `Plan ${n}`, status: n % 2 === 0 ? 'todo' : 'done', tags: ['t'] })),
    );
    const pages = await allPages(eva, '?q=pla&status=todo&tag=t&sort=-title&limit=2');
    expect(pages.map((task) => task.title)).toEqual(['Plan 8', 'Plan 6', 'Plan 4', 'Plan 2', 'Plan 0']);
    expect(await titles(eva, '?q=pla&status=done&sort=relevance')).toEqual(['Plan 7', 'Plan 5', 'Plan 3', 'Plan 1']);
  });

  it('follows changes at once', async () => {
    const eva = await signUp(app);
    const { id } = await aTask(eva, { title: 'Old', description: 'same', tags: ['before'] });
    await eva.patch(`/tasks/${id}`).send({ title: 'New', tags: ['after'] });
    expect(await search(eva, 'old')).toEqual([]);
    expect(await search(eva, 'before')).toEqual([]);
    expect(await search(eva, 'new after same')).toEqual(['New']);
    await eva.put(`/tasks/${id}`).send({ title: 'Newest' });
    expect(await search(eva, 'same')).toEqual([]);
    expect(await search(eva, 'newest')).toEqual(['Newest']);
  });

  it('looks at the first 500 different words of a task: title, tags, then description', async () => {
    const eva = await signUp(app);
    const words = Array.from({ length: 600 }, (_, n) => `w${String(n).padStart(3, '0')}`);
    // Two words of the title and one of the tags leave room for 497.
    const text = words.flatMap((word) => [word, 'Long']).join(' ');
    await aTask(eva, { title: 'Long story', description: text, tags: ['tagged'] });
    for (const q of ['long', 'story', 'tagged', 'w000', 'w496'])
      expect([q, await search(eva, q)]).toEqual([q, ['Long story']]);
    for (const q of ['w497', 'w599']) expect([q, await search(eva, q)]).toEqual([q, []]);
  });

  it('compares the first 40 characters of longer words', async () => {
    const eva = await signUp(app);
    const word = 'x'.repeat(60);
    await aTask(eva, { title: word });
    expect(await search(eva, word)).toEqual([word]);
    expect(await search(eva, 'x'.repeat(40))).toEqual([word]);
    expect(await search(eva, `${'x'.repeat(40)}y`)).toEqual([word]);
    expect(await search(eva, `${'x'.repeat(39)}y`)).toEqual([]);
  });

  it('refuses lone surrogates and operators', async () => {
    expect((await ada.get('/tasks?q[$regex]=.*')).status).toBe(422);
    expect(problem(await ada.get('/tasks?q=%ED%A0%80'))).not.toMatchObject({ status: 500 });
    expect(await search(ada, '$where')).toEqual([]);
  });
});

describe('GET /tasks?sort=relevance', () => {
  it('puts words of the title before words of the description, and more of them first', async () => {
    const ada = await signUp(app);
    await tasks(ada, [
      { title: 'In the text', description: 'bread and milk' },
      { title: 'Milk here', description: 'bread' },
      { title: 'Milk bread' },
      { title: 'As tags', tags: ['milk', 'bread'] },
      { title: 'Only milk' },
      { title: 'Milkshake and breadcrumbs' },
    ]);
    const found = await titles(ada, '?q=milk%20bread&sort=relevance');
    expect(found.slice(0, 2)).toEqual(['Milk bread', 'Milk here']);
    expect(found.slice(2, 4).toSorted()).toEqual(['As tags', 'In the text']);
    expect(found.slice(4)).toEqual(['Milkshake and breadcrumbs']);
  });

  it('then the newest of those whose words only begin so', async () => {
    const ada = await signUp(app);
    await tasks(ada, [
      { title: 'Milkman' },
      { title: 'Milky' },
      { title: 'x', description: 'milk' },
      { title: 'Milkshake' },
    ]);
    expect(await titles(ada, '?q=milk&sort=relevance')).toEqual(['x', 'Milkshake', 'Milky', 'Milkman']);
    expect(await titles(ada, '?q=mil&sort=relevance')).toEqual(['Milkshake', 'x', 'Milky', 'Milkman']);
  });

  it('has one page, of 20 tasks or as many as the limit says', async () => {
    const ada = await signUp(app);
    await tasks(
      ada,
      Array.from({ length: 30 }, (_, n) => ({ title: `Whole ${n}` })),
    );
    await tasks(
      ada,
      Array.from({ length: 90 }, (_, n) => ({ title: `Wholesale ${n}` })),
    );
    for (const [query, length] of [
      ['', 20],
      ['&limit=1', 1],
      ['&limit=25', 25],
      ['&limit=100', 100],
    ] as const) {
      const answer = await ada.get(`/tasks?q=whole&sort=relevance${query}`);
      const { items, nextCursor } = answer.body as { items: { id: string; title: string }[]; nextCursor: null };
      expect([query, items.length, nextCursor]).toEqual([query, length, null]);
      expect(new Set(items.map(({ id }) => id)).size).toBe(length);
      expect(items.slice(0, 30).every((task) => task.title.startsWith('Whole '))).toBe(true);
      expect(answer.headers).not.toHaveProperty('link');
    }
  });

  it('looks at the filters and at nobody else’s tasks', async () => {
    const [ada, eva] = await Promise.all([signUp(app), signUp(app)]);
    await tasks(ada, [
      { title: 'milk 1', status: 'done' },
      { title: 'milk 2', tags: ['a'] },
      { title: 'milk 3', dueAt: '2020-01-01T00:00:00Z' },
    ]);
    await aTask(eva, { title: 'milk 4' });
    expect(await titles(ada, '?q=milk&sort=relevance&status=done')).toEqual(['milk 1']);
    expect(await titles(ada, '?q=milk&sort=relevance&tag=a')).toEqual(['milk 2']);
    expect(await titles(ada, '?q=milk&sort=relevance&overdue=true')).toEqual(['milk 3']);
    expect(await titles(eva, '?q=milk&sort=relevance')).toEqual(['milk 4']);
  });
});
