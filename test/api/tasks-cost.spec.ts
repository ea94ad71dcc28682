import { TasksService, type ImportedTask } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { nextPath, taskModel } from '../support/tasks.js';

const LIMIT = 20;
/** Keys and documents that what runs beside the requests may look at meanwhile. */
const BESIDE = 20;

let app: TestApp;
let few: Client;
let many: Client;
let counts: boolean;
beforeAll(async () => {
  app = await startTestApp();
  [few, many] = await Promise.all([signUp(app), signUp(app)]);
  const service = app.app.get(TasksService);
  await service.importTasks(
    few.user.id,
    Array.from({ length: 200 }, (_, n) => aTask(n)),
  );
  await service.importTasks(
    many.user.id,
    Array.from({ length: 5000 }, (_, n) => aTask(n)),
  );
  counts = (await examined()) !== undefined;
});
afterAll(() => app.close());

const aTask = (n: number): ImportedTask => ({
  title: `Task ${(n * 7919) % 5000}`,
  description: `common word${n}`,
  status: (['todo', 'in_progress', 'done', 'cancelled'] as const)[n % 4],
  priority: (['low', 'medium', 'high', 'urgent'] as const)[(n >> 2) % 4],
  dueAt: n % 3 === 0 ? null : new Date(Date.UTC(2020, 0, 1) + n * 3_600_000).toISOString(),
  tags: [`t${n % 5}`, `u${n % 7}`],
  createdAt: new Date(Date.UTC(2026, 0, 1) + n * 60_000),
});

/** Keys and documents that queries have looked at since the server started, if it counts them. */
async function examined(): Promise<number | undefined> {
  const status = (await taskModel(app).db.db!.admin().serverStatus()) as {
    metrics?: { queryExecutor?: { scanned: number; scannedObjects: number } };
  };
  const counters = status.metrics?.queryExecutor;
  return counters && counters.scanned + counters.scannedObjects;
}

/** What pages 1 to 3 and, by the other direction, the far end cost at most; the rest of the server is quiet once. */
async function cost(client: Client, query: string): Promise<number> {
  let worst = 0;
  let path: string | undefined = `/tasks?${query}&limit=${LIMIT}`;
  for (let page = 0; page < 4 && path !== undefined; page++) {
    const costs: number[] = [];
    let next: string | undefined;
    for (let time = 0; time < 2; time++) {
      const before = (await examined())!;
      // The cache knows the first page under its exact parameters only.
      const answer = await client.get(page === 0 && time > 0 ? path.replace('limit=20', 'limit=19') : path);
      costs.push((await examined())! - before);
      expect(answer.status).toBe(200);
      next ??= nextPath(answer);
    }
    worst = Math.max(worst, Math.min(...costs));
    path = next;
  }
  return worst;
}

describe('a list of 5,000 tasks looks at as much as one of 200', () => {
  const bounded = [
    ...['createdAt', 'updatedAt', 'dueAt', 'priority', 'title'].flatMap((key) => [`sort=${key}`, `sort=-${key}`]),
    ...['todo', 'done'].map((status) => `status=${status}`),
    ...['low', 'urgent'].map((priority) => `priority=${priority}`),
    'status=todo&sort=createdAt',
    'tag=t3',
    'tag=t3&sort=createdAt',
    'dueAfter=2020-01-03T00:00:00Z&sort=dueAt',
    'dueBefore=2020-01-06T00:00:00Z&sort=-dueAt',
    'trashed=true',
  ];

  it.each(bounded)(
    '%s',
    async (query) => {
      if (!counts) {
        // DocumentDB counts nothing and sorts whole ranges; its answers are what the other suites compare.
        expect(JSON.stringify(await taskModel(app).db.db!.admin().buildInfo())).toMatch(/documentdb/i);
        return;
      }
      // A page is one more than its limit, each a key and a document; the ranges behind a cursor end with a key each.
      const bound = 2 * (LIMIT + 1) + 6 + BESIDE;
      expect(await cost(few, query)).toBeLessThanOrEqual(bound);
      expect(await cost(many, query)).toBeLessThanOrEqual(bound);
    },
    60_000,
  );

  it('also at the far end of the undated tasks', async () => {
    if (!counts) return;
    let path: string | undefined = '/tasks?sort=dueAt&limit=100&status=todo,in_progress,done,cancelled';
    let pages = 0;
    let worst = 0;
    while (path !== undefined) {
      const before = (await examined())!;
      const answer = await many.get(path);
      worst = Math.max(worst, (await examined())! - before);
      path = nextPath(answer);
      pages++;
    }
    expect(pages).toBe(50);
    expect(worst).toBeLessThanOrEqual(2 * 101 + 10 + 5 * BESIDE);
  });

  it('while a walk over all of them is seen as one', async () => {
    if (!counts) return;
    const before = (await examined())!;
    await many.get('/tasks/stats');
    expect((await examined())! - before).toBeGreaterThan(5000);
  });

  it('and a search for a rare word looks at what has it', async () => {
    if (!counts) return;
    const before = (await examined())!;
    const answer = await many.get('/tasks?q=word4321');
    expect((answer.body as { items: object[] }).items).toHaveLength(1);
    expect((await examined())! - before).toBeLessThanOrEqual(10 + BESIDE);
  });
});
