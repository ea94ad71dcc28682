import { CacheStore } from '../../src/core/cache/cache.store.js';
import { Clock } from '../../src/core/time/clock.js';
import { TasksService, TaskStatsService, type ImportedTask } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { allPages, aTask, taskModel, type TaskBody } from '../support/tasks.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

interface Stats {
  readonly total: number;
  readonly byStatus: Record<string, number>;
  readonly byPriority: Record<string, number>;
  readonly overdue: number;
  readonly dueToday: number;
  readonly completedLast7Days: number;
  readonly completionRate: number;
}

async function stats(client: Client): Promise<Stats> {
  const answer = await client.get('/tasks/stats');
  expect(answer.status).toBe(200);
  return answer.body as Stats;
}

/** The same numbers by looking at every task, with the calendar of `Intl`. */
function counted(tasks: readonly TaskBody[], now: Date, timeZone = 'UTC'): Stats {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const count = (matches: (task: TaskBody) => boolean): number => tasks.filter(matches).length;
  const isOpen = ({ status }: TaskBody): boolean => status === 'todo' || status === 'in_progress';
  const isDue = (task: TaskBody, matches: (due: Date) => boolean): boolean =>
    isOpen(task) && task.dueAt !== null && matches(new Date(task.dueAt));
  const numbers = (field: 'status' | 'priority', values: readonly string[]) =>
    Object.fromEntries(values.map((value) => [value, count((task) => task[field] === value)]));
  const byStatus = numbers('status', ['todo', 'in_progress', 'done', 'cancelled']);
  const wanted = tasks.length - byStatus['cancelled']!;
  return {
    total: tasks.length,
    byStatus,
    byPriority: numbers('priority', ['low', 'medium', 'high', 'urgent']),
    overdue: count((task) => isDue(task, (due) => due < now)),
    dueToday: count((task) => isDue(task, (due) => day.format(due) === day.format(now))),
    completedLast7Days: count(
      ({ completedAt }) => completedAt !== null && Date.parse(completedAt) >= now.getTime() - 7 * DAY,
    ),
    completionRate: wanted === 0 ? 0 : byStatus['done']! / wanted,
  };
}

/** Runs `work` while the application's clock stands at an instant, or goes on from it. */
async function at<T>(instant: string | Date, work: () => Promise<T>, isRunning = false): Promise<T> {
  const [start, began] = [new Date(instant).getTime(), Date.now()];
  const now = (): Date => new Date(isRunning ? start + Date.now() - began : start);
  const clock = jest.spyOn(app.app.get(Clock), 'now').mockImplementation(now);
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

const plant = (client: Client, inputs: readonly ImportedTask[]) =>
  app.app.get(TasksService).importTasks(client.user.id, inputs);

const inZone = async (timeZone: string): Promise<Client> => {
  const client = await signUp(app);
  expect((await client.patch('/users/me').send({ timeZone })).status).toBe(200);
  return client;
};

describe('GET /tasks/stats', () => {
  it('of no tasks is zeros, with every status and priority', async () => {
    const ada = await signUp(app);
    const answer = await ada.get('/tasks/stats');
    expect(answer.body).toEqual({
      total: 0,
      byStatus: { todo: 0, in_progress: 0, done: 0, cancelled: 0 },
      byPriority: { low: 0, medium: 0, high: 0, urgent: 0 },
      overdue: 0,
      dueToday: 0,
      completedLast7Days: 0,
      completionRate: 0,
    });
    expect(answer.headers).toMatchObject({ 'cache-control': 'private, no-cache', etag: expect.any(String) });
  });

  it.each(['UTC', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'])(
    'counts what is there, in %s',
    async (zone) => {
      const ada = await inZone(zone);
      const now = new Date();
      const inputs = Array.from({ length: 240 }, (_, n): ImportedTask => {
        const createdAt = new Date(now.getTime() - ((n * 37) % 20) * DAY);
        return {
          title: `Task ${n}`,
          status: (['todo', 'in_progress', 'done', 'cancelled'] as const)[(n * 7) % 4],
          priority: (['low', 'medium', 'high', 'urgent'] as const)[(n * 5 + 1) % 4],
          dueAt: n % 5 === 0 ? null : new Date(now.getTime() + (((n * 53) % 97) - 48) * HOUR + 1800_000).toISOString(),
          createdAt,
          completedAt: new Date(Math.min(now.getTime(), createdAt.getTime() + (n % 9) * DAY)),
        };
      });
      await plant(ada, inputs);
      const all = await allPages(ada, '?limit=100');
      for (const { id } of all.slice(0, 20)) await ada.delete(`/tasks/${id}`);
      await at(now, async () => expect(await stats(ada)).toEqual(counted(all.slice(20), now, zone)));
      const found = counted(all.slice(20), now, zone);
      for (const number of [found.overdue, found.dueToday, found.completedLast7Days]) expect(number).toBeGreaterThan(3);
    },
  );

  it('completionRate leaves out what was cancelled', async () => {
    const ada = await signUp(app);
    for (const status of ['done', 'todo', 'todo', 'cancelled', 'cancelled']) await aTask(ada, { status });
    expect((await stats(ada)).completionRate).toBeCloseTo(1 / 3, 12);
    const eva = await signUp(app);
    await aTask(eva, { status: 'cancelled' });
    expect((await stats(eva)).completionRate).toBe(0);
  });
});

describe('dueToday is a day of the user', () => {
  const days: [zone: string, now: string, first: string, last: string, hours: number][] = [
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59.999Z', 23],
    ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-24T22:00:00Z', '2026-10-25T22:59:59.999Z', 25],
    ['Europe/Berlin', '2026-06-30T22:00:00Z', '2026-06-30T22:00:00Z', '2026-07-01T21:59:59.999Z', 24],
    ['America/New_York', '2026-03-08T04:59:59Z', '2026-03-07T05:00:00Z', '2026-03-08T04:59:59.999Z', 24],
    // Clocks go from 24:00 to 01:00: the day has no midnight.
    ['America/Santiago', '2026-09-06T20:00:00Z', '2026-09-06T04:00:00Z', '2026-09-07T02:59:59.999Z', 23],
    // Clocks go from 01:00 to 00:00: the day has two.
    ['America/Havana', '2025-11-02T17:00:00Z', '2025-11-02T04:00:00Z', '2025-11-03T04:59:59.999Z', 25],
    ['Asia/Kathmandu', '2026-01-01T00:00:00Z', '2025-12-31T18:15:00Z', '2026-01-01T18:14:59.999Z', 24],
    ['UTC', '2026-02-28T23:59:59.999Z', '2026-02-28T00:00:00Z', '2026-02-28T23:59:59.999Z', 24],
  ];

  it.each(days)('in %s at %s from %s to %s', async (zone, now, first, last, hours) => {
    expect(Date.parse(last) + 1 - Date.parse(first)).toBe(hours * HOUR);
    const ada = await inZone(zone);
    const shifted = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString();
    await aTask(ada, { title: 'the day before', dueAt: shifted(first, -1) });
    await aTask(ada, { title: 'the day after', dueAt: shifted(last, 1) });
    await at(now, async () => expect(await stats(ada)).toMatchObject({ dueToday: 0 }));
    await aTask(ada, { title: 'first', dueAt: first });
    await aTask(ada, { title: 'last', dueAt: last, status: 'in_progress' });
    await aTask(ada, { title: 'done', dueAt: last, status: 'done' });
    await aTask(ada, { title: 'undated' });
    await at(now, async () => expect(await stats(ada)).toMatchObject({ dueToday: 2 }));
  });

  it('follows the user to another time zone at once', async () => {
    const ada = await inZone('Pacific/Kiritimati');
    const now = '2026-05-05T11:00:00Z';
    await aTask(ada, { dueAt: '2026-05-05T09:00:00Z' });
    await at(now, async () => {
      expect((await stats(ada)).dueToday).toBe(0);
      await ada.patch('/users/me').send({ timeZone: 'UTC' });
      expect((await stats(ada)).dueToday).toBe(1);
    });
  });
});

describe('GET /tasks/stats from the cache', () => {
  const status = async (client: Client) => (await client.get('/tasks/stats')).headers['cache-status'];

  it('is kept, with 304 for who has it', async () => {
    const ada = await signUp(app);
    await aTask(ada);
    const miss = await ada.get('/tasks/stats');
    const hit = await ada.get('/tasks/stats');
    expect([miss.headers['cache-status'], hit.headers['cache-status']]).toEqual([
      'taskflow; fwd=miss',
      'taskflow; hit',
    ]);
    expect([hit.text, hit.headers['etag']]).toEqual([miss.text, miss.headers['etag']]);
    const unchanged = await ada.get('/tasks/stats').set('if-none-match', hit.headers['etag']!);
    expect([unchanged.status, unchanged.text]).toEqual([304, '']);
  });

  it('is fresh after each own write', async () => {
    const ada = await signUp(app);
    const { id } = await aTask(ada);
    const writes: [write: () => PromiseLike<unknown>, expected: object][] = [
      [() => ada.post('/tasks').send({ title: 'Two' }), { total: 2 }],
      [() => ada.patch(`/tasks/${id}`).send({ status: 'done' }), { byStatus: { done: 1 }, completedLast7Days: 1 }],
      [() => ada.put(`/tasks/${id}`).send({ title: 'x', priority: 'urgent' }), { byPriority: { urgent: 1 } }],
      [() => ada.delete(`/tasks/${id}`), { total: 1 }],
      [() => ada.post(`/tasks/${id}/restore`), { total: 2 }],
      [() => ada.delete(`/tasks/${id}?permanent=true`), { total: 1 }],
      [() => plant(ada, [{ title: 'Three' }]), { total: 2 }],
    ];
    for (const [write, expected] of writes) {
      await status(ada);
      expect(await status(ada)).toBe('taskflow; hit');
      await write();
      const answer = await ada.get('/tasks/stats');
      expect(answer.headers['cache-status']).toBe('taskflow; fwd=miss');
      expect(answer.body).toMatchObject(expected);
    }
  });

  it('somebody else’s writes leave it alone', async () => {
    const [ada, eva] = await Promise.all([signUp(app), signUp(app)]);
    await status(ada);
    await aTask(eva);
    expect(await status(ada)).toBe('taskflow; hit');
    expect((await stats(eva)).total).toBe(1);
  });

  /**
   * Asks without a pause until the application's clock has passed `change`: no answer may lag behind. What was asked
   * and answered on different sides of the instant may be either.
   */
  async function watch(client: Client, change: number, read: (found: Stats) => number, values: [number, number]) {
    const clock = app.app.get(Clock);
    let hits = 0;
    for (;;) {
      const asked = clock.now().getTime();
      const answer = await client.get('/tasks/stats');
      const answered = clock.now().getTime();
      const value = read(answer.body as Stats);
      if (answer.headers['cache-status'] === 'taskflow; hit') hits++;
      if (answered < change) expect(value).toBe(values[0]);
      if (asked > change + 1) {
        expect(value).toBe(values[1]);
        break;
      }
    }
    expect(hits).toBeGreaterThan(0);
  }

  it('is not served past its instant, however long a store has it', async () => {
    const ada = await signUp(app);
    const due = Date.now() + 60_000;
    await aTask(ada, { dueAt: new Date(due).toISOString() });
    await status(ada);
    expect(await status(ada)).toBe('taskflow; hit');
    jest.spyOn(app.app.get(Clock), 'now').mockReturnValue(new Date(due + 1));
    const answer = await ada.get('/tasks/stats');
    jest.restoreAllMocks();
    expect(answer.headers['cache-status']).toBe('taskflow; fwd=miss');
    expect(answer.body).toMatchObject({ overdue: 1 });
  });

  it('changes when a task becomes overdue', async () => {
    const ada = await signUp(app);
    const due = Date.now() + 1500;
    await aTask(ada, { dueAt: new Date(due).toISOString() });
    await watch(ada, due, ({ overdue }) => overdue, [0, 1]);
  });

  it('changes when a completion is 168 hours old', async () => {
    const ada = await signUp(app);
    const change = Date.now() + 1500;
    await plant(ada, [
      { title: 'x', status: 'done', completedAt: new Date(change - 7 * DAY) },
      { title: 'y', status: 'done', completedAt: new Date(change - DAY) },
    ]);
    await watch(ada, change, ({ completedLast7Days }) => completedLast7Days, [2, 1]);
  });

  it('changes at local midnight', async () => {
    const ada = await inZone('Asia/Kathmandu');
    const midnight = Date.parse('2026-01-01T18:15:00Z');
    await aTask(ada, { dueAt: '2026-01-02T10:00:00Z' });
    await app.app.get(CacheStore).forget(ada.user.id);
    const begin = new Date(midnight - 1500);
    await at(begin, () => watch(ada, midnight, ({ dueToday }) => dueToday, [0, 1]), true);
  });
});

describe('the numbers of everybody', () => {
  it('count live tasks by status, priority, lateness and day of creation', async () => {
    const own = await startTestApp();
    try {
      const [ada, eva] = await Promise.all([signUp(own), signUp(own)]);
      const now = new Date('2026-03-14T10:00:00Z');
      const ago = (days: number): Date => new Date(now.getTime() - days * DAY);
      const service = own.app.get(TasksService);
      await service.importTasks(ada.user.id, [
        { title: 'today', createdAt: ago(0), dueAt: '2026-03-14T09:59:59Z' },
        { title: 'first ms of the first day', createdAt: new Date('2026-03-01T00:00:00Z'), priority: 'high' },
        { title: 'a ms too old', createdAt: new Date('2026-02-28T23:59:59.999Z'), status: 'done' },
      ]);
      await service.importTasks(eva.user.id, [
        { title: 'yesterday', createdAt: ago(1), status: 'cancelled', dueAt: '2020-01-01T00:00:00Z' },
        { title: 'yesterday too', createdAt: ago(1), status: 'in_progress', dueAt: '2020-01-01T00:00:00Z' },
        { title: 'trashed', createdAt: ago(1) },
      ]);
      await taskModel(own).updateOne({ title: 'trashed' }, { $set: { place: 'trash', deletedAt: now } });
      const clock = jest.spyOn(own.app.get(Clock), 'now').mockReturnValue(now);
      const found = await own.app.get(TaskStatsService).ofAll();
      clock.mockRestore();
      const { createdPerDay, ...counts } = found;
      expect(counts).toEqual({
        total: 5,
        byStatus: { todo: 2, in_progress: 1, done: 1, cancelled: 1 },
        byPriority: { low: 0, medium: 4, high: 1, urgent: 0 },
        overdue: 2,
      });
      expect(createdPerDay).toHaveLength(14);
      expect(createdPerDay.map(({ date }) => date)).toEqual(
        Array.from({ length: 14 }, (_, n) => `2026-03-${String(n + 1).padStart(2, '0')}`),
      );
      expect(createdPerDay.map(({ count }) => count)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
    } finally {
      await own.close();
    }
  });
});
