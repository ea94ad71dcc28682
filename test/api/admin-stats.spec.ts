import { CacheStore } from '../../src/core/cache/cache.store.js';
import { Clock } from '../../src/core/time/clock.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('GET /admin/stats', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  it('counts users and tasks of everybody', async () => {
    const clock = app.app.get(Clock);
    const now = new Date();
    const at = async (daysAgo: number, work: () => Promise<unknown>): Promise<void> => {
      clock.now = () => new Date(now.getTime() - daysAgo * DAY_MS);
      await work();
      clock.now = () => now;
    };
    let long: Client | undefined;
    await at(8, async () => (long = await signUp(app)));
    const admin = await signUpAdmin(app);
    const suspended = await signUp(app);
    await admin.patch(`/admin/users/${suspended.user.id}`).send({ status: 'suspended' }).expect(200);
    const gone = await signUp(app);
    await gone.delete('/users/me').send({ password: gone.password }).expect(204);

    const owner = await signIn(app, long!);
    const create = (task: object) =>
      admin
        .post('/tasks')
        .send({ title: 'a', ...task })
        .expect(201);
    await at(1, async () => {
      const early = await signIn(app, owner);
      await early.post('/tasks').send({ title: 'yesterday', status: 'done' }).expect(201);
      const past = { title: 'late', dueAt: clock.now().toISOString(), priority: 'urgent' };
      await early.post('/tasks').send(past).expect(201);
    });
    await create({ priority: 'low', dueAt: new Date(now.getTime() + DAY_MS).toISOString() });
    await create({ status: 'in_progress', dueAt: new Date(now.getTime() - 1000).toISOString() });
    await create({ status: 'cancelled', dueAt: new Date(now.getTime() - 1000).toISOString() });
    const trashed = await create({ title: 'trashed' });
    await admin.delete(`/tasks/${trashed.body.id}`).expect(204);

    const { body } = await admin.get('/admin/stats').expect(200);
    expect(body).toEqual({
      users: { total: 3, active: 2, suspended: 1, newLast7Days: 2 },
      tasks: {
        total: 5,
        byStatus: { todo: 2, in_progress: 1, done: 1, cancelled: 1 },
        byPriority: { low: 1, medium: 3, high: 0, urgent: 1 },
        overdue: 2,
        createdPerDay: Array.from({ length: 14 }, (_, index) => ({
          date: new Date(now.getTime() - (13 - index) * DAY_MS).toISOString().slice(0, 10),
          count: index === 13 ? 3 : index === 12 ? 2 : 0,
        })),
      },
      generatedAt: now.toISOString(),
    });
  });

  it('is cached for a minute, the same for all admins', async () => {
    const admin = await signUpAdmin(app);
    const other = await signUpAdmin(app);
    const miss = await admin.get('/admin/stats').expect(200);
    expect(miss.headers['cache-status']).toBe('taskflow; fwd=miss');
    await signUp(app);
    const hit = await other.get('/admin/stats').expect(200);
    expect(hit.headers['cache-status']).toBe('taskflow; hit');
    expect(hit.text).toBe(miss.text);
    expect(hit.headers['etag']).toBe(miss.headers['etag']);
    await admin.get('/admin/stats').set('if-none-match', miss.headers['etag']!).expect(304);
    await app.app.get(CacheStore).forget('admin');
    const later = await admin.get('/admin/stats').expect(200);
    expect(later.body.users.total).toBe(miss.body.users.total + 1);
  });
});
