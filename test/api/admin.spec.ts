import { CacheStore } from '../../src/core/cache/cache.store.js';
import { EventBus } from '../../src/core/events/event-bus.js';
import { toPending } from '../../src/core/events/domain-event.js';
import { Clock } from '../../src/core/time/clock.js';
import { UsersService, UserStandingChanged } from '../../src/modules/users/index.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOBODY = '000000000000000000000000';

describe('admin', () => {
  let app: TestApp;
  let admin: Client;
  beforeAll(async () => {
    app = await startTestApp();
    admin = await signUpAdmin(app);
  });
  afterAll(() => app.close());

  const auditOf = async (query: string): Promise<Record<string, unknown>[]> => {
    const { body } = await admin.get(`/admin/audit?${query}`).expect(200);
    return (body as { items: Record<string, unknown>[] }).items;
  };

  describe('every route', () => {
    const routes = [
      ['get', '/admin/stats'],
      ['get', '/admin/users'],
      ['get', `/admin/users/${NOBODY}`],
      ['patch', `/admin/users/${NOBODY}`],
      ['post', `/admin/users/${NOBODY}/revoke-sessions`],
      ['get', '/admin/audit'],
    ] as const;

    it.each(routes)('%s %s wants a signed-in user', async (method, path) => {
      const { body, headers } = await app.http[method](`/api/v1${path}`).expect(401);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(headers['www-authenticate']).toBe('Bearer');
      expect(body.code).toBe('auth.token_missing');
    });

    it.each(routes)('%s %s wants the role admin', async (method, path) => {
      const user = await signUp(app);
      const { body, headers } = await user[method](path).expect(403);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(body).toMatchObject({ status: 403, code: 'auth.forbidden', instance: `/api/v1${path}` });
    });
  });

  describe('GET /admin/users', () => {
    it('lists every user once, the newest first, over pages with a Link', async () => {
      const name = `Zenobia${Date.now().toString(36)}`;
      const users = [await signUp(app, { name }), await signUp(app, { name }), await signUp(app, { name })];
      const first = await admin.get(`/admin/users?q=${name}&limit=2`).expect(200);
      expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([users[2]!.user.id, users[1]!.user.id]);
      expect(first.body.items[0]).toEqual(users[2]!.user);
      expect(first.headers['link']).toMatch(/^<\/api\/v1\/admin\/users\?.*cursor=.+>; rel="next"$/);
      const second = await admin.get(`/admin/users?q=${name}&limit=2&cursor=${first.body.nextCursor}`).expect(200);
      expect(second.body).toEqual({ items: [users[0]!.user], nextCursor: null });
      expect(second.headers['link']).toBeUndefined();
    });

    it('finds words of name and e-mail whatever their case and accents', async () => {
      const { user, email } = await signUp(app, { name: 'Éloïse Brontë' });
      const unique = email.slice(4, 16);
      const found = await admin.get(`/admin/users?q=${encodeURIComponent(`BRONTE eloi ${unique}`)}`).expect(200);
      expect(found.body.items.map(({ id }: { id: string }) => id)).toEqual([user.id]);
    });

    it('filters by role and status', async () => {
      const name = `Filtered${Date.now().toString(36)}`;
      const [plain, suspended] = [await signUp(app, { name }), await signUp(app, { name })];
      const boss = await signUpAdmin(app, { name });
      await admin.patch(`/admin/users/${suspended.user.id}`).send({ status: 'suspended' }).expect(200);
      const ids = async (query: string): Promise<string[]> =>
        (await admin.get(`/admin/users?q=${name}&${query}`).expect(200)).body.items.map(({ id }: { id: string }) => id);
      expect(await ids('role=admin')).toEqual([boss.user.id]);
      expect(await ids('status=suspended')).toEqual([suspended.user.id]);
      expect(await ids('role=user&status=active')).toEqual([plain.user.id]);
    });

    it.each([
      ['role=root', '/role'],
      ['status=deleted', '/status'],
      ['limit=0', '/limit'],
      ['limit=101', '/limit'],
      ['limit=ten', '/limit'],
      ['role=user&role=admin', '/role'],
      ['sort=name', '/sort'],
    ])('refuses ?%s', async (query, pointer) => {
      const { body } = await admin.get(`/admin/users?${query}`).expect(422);
      expect(body.code).toBe('input.invalid');
      expect(body.errors[0].pointer).toBe(pointer);
    });

    it('refuses a cursor that is damaged, of another filter, of another list or of another admin', async () => {
      const { nextCursor } = (await admin.get('/admin/users?limit=1&role=user').expect(200)).body;
      expect(nextCursor).toEqual(expect.any(String));
      const damaged = `${nextCursor.slice(0, -2)}${nextCursor.endsWith('AA') ? 'BB' : 'AA'}`;
      const other = await signUpAdmin(app);
      for (const attempt of [
        admin.get(`/admin/users?limit=1&role=user&cursor=${damaged}`),
        admin.get(`/admin/users?limit=1&role=admin&cursor=${nextCursor}`),
        admin.get(`/admin/users?limit=1&cursor=${nextCursor}`),
        admin.get(`/admin/audit?limit=1&cursor=${nextCursor}`),
        other.get(`/admin/users?limit=1&role=user&cursor=${nextCursor}`),
      ]) {
        const { body } = await attempt.expect(422);
        expect(body.code).toBe('cursor.invalid');
      }
    });
  });

  describe('GET /admin/users/:id', () => {
    it('answers the user as they see themselves', async () => {
      const { user } = await signUp(app);
      const { body } = await admin.get(`/admin/users/${user.id}`).expect(200);
      expect(body).toEqual(user);
    });

    it.each([NOBODY, 'x', '%24ne', 'a'.repeat(200)])('answers 404 for %s', async (id) => {
      const { body } = await admin.get(`/admin/users/${id}`).expect(404);
      expect(body.code).toBe('user.not_found');
    });

    it('answers 404 for an account that was deleted', async () => {
      const user = await signUp(app);
      await user.delete('/users/me').send({ password: user.password }).expect(204);
      await admin.get(`/admin/users/${user.user.id}`).expect(404);
    });
  });

  describe('PATCH /admin/users/:id', () => {
    it('gives the role; old tokens are refused and new ones carry it', async () => {
      const user = await signUp(app);
      const { body } = await admin.patch(`/admin/users/${user.user.id}`).send({ role: 'admin' }).expect(200);
      expect(body).toEqual({ ...user.user, role: 'admin', updatedAt: expect.any(String) });
      const { body: problem } = await user.get('/users/me').expect(401);
      expect(problem.code).toBe('auth.token_invalid');
      const again = await signIn(app, user);
      await again.get('/admin/users?limit=1').expect(200);
    });

    it('keeps the session of a user whose role changes', async () => {
      const user = await signUp(app);
      await admin.patch(`/admin/users/${user.user.id}`).send({ role: 'admin' }).expect(200);
      const { refreshToken } = user;
      const { body } = await app.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(200);
      expect(body.user.role).toBe('admin');
    });

    it('takes application/merge-patch+json', async () => {
      const { user } = await signUp(app);
      const { body } = await admin
        .patch(`/admin/users/${user.id}`)
        .set('content-type', 'application/merge-patch+json')
        .send(JSON.stringify({ status: 'suspended' }))
        .expect(200);
      expect(body.status).toBe('suspended');
    });

    it('suspends: access and refresh tokens of every session are refused, sign-in says why', async () => {
      const user = await signUp(app);
      const phone = await signIn(app, user);
      await admin.patch(`/admin/users/${user.user.id}`).send({ status: 'suspended' }).expect(200);
      for (const session of [user, phone]) {
        const { refreshToken } = session;
        expect((await session.get('/users/me').expect(401)).body.code).toBe('auth.token_invalid');
        await app.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
      }
      const { email, password } = user;
      const { body } = await app.http.post('/api/v1/auth/login').send({ email, password }).expect(403);
      expect(body.code).toBe('auth.suspended');
    });

    it('lets a reactivated user sign in again, and only that', async () => {
      const user = await signUp(app);
      await admin.patch(`/admin/users/${user.user.id}`).send({ status: 'suspended' }).expect(200);
      await admin.patch(`/admin/users/${user.user.id}`).send({ status: 'active' }).expect(200);
      await user.get('/users/me').expect(401);
      await app.http.post('/api/v1/auth/refresh').send({ refreshToken: user.refreshToken }).expect(401);
      await (await signIn(app, user)).get('/users/me').expect(200);
    });

    it('shows the change in the cached profile at once', async () => {
      const user = await signUp(app);
      await user.get('/users/me').expect(200);
      await admin.patch(`/admin/users/${user.user.id}`).send({ role: 'admin' }).expect(200);
      const { body } = await (await signIn(app, user)).get('/users/me').expect(200);
      expect(body.role).toBe('admin');
    });

    it.each([[{}], [{ role: 'user' }], [{ role: 'user', status: 'active' }]])(
      'changes and records nothing for %j',
      async (change) => {
        const user = await signUp(app);
        const { body } = await admin.patch(`/admin/users/${user.user.id}`).send(change).expect(200);
        expect(body).toEqual(user.user);
        await user.get('/users/me').expect(200);
        const entries = await auditOf('action=user.changed&limit=100');
        expect(entries.filter(({ target }) => (target as { id: string }).id === user.user.id)).toEqual([]);
      },
    );

    it.each([
      [{ role: null }, '/role'],
      [{ status: null }, '/status'],
      [{ role: 'root' }, '/role'],
      [{ status: 'deleted' }, '/status'],
      [{ role: { $ne: 'user' } }, '/role'],
      [{ email: 'a@example.org' }, '/email'],
    ])('refuses %j', async (change, pointer) => {
      const { user } = await signUp(app);
      const { body } = await admin.patch(`/admin/users/${user.id}`).send(change).expect(422);
      expect(body.code).toBe('input.invalid');
      expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    });

    it('answers 404 for nobody', async () => {
      const { body } = await admin.patch(`/admin/users/${NOBODY}`).send({ role: 'admin' }).expect(404);
      expect(body.code).toBe('user.not_found');
    });
  });

  describe('POST /admin/users/:id/revoke-sessions', () => {
    it('refuses every token of the user from then on, and lets them sign in again', async () => {
      const user = await signUp(app);
      const phone = await signIn(app, user);
      const { body } = await admin.post(`/admin/users/${user.user.id}/revoke-sessions`).expect(204);
      expect(body).toEqual({});
      for (const session of [user, phone]) {
        const { refreshToken } = session;
        await session.get('/users/me').expect(401);
        await app.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
      }
      await (await signIn(app, user)).get('/users/me').expect(200);
    });

    it('answers 404 for nobody', async () => {
      const { body } = await admin.post(`/admin/users/${NOBODY}/revoke-sessions`).expect(404);
      expect(body.code).toBe('user.not_found');
    });
  });

  describe('GET /admin/audit', () => {
    it('tells who did what to whom, when and from where, with before and after, at once', async () => {
      const actor = await signUpAdmin(app);
      const { user } = await signUp(app);
      await actor.patch(`/admin/users/${user.id}`).send({ status: 'suspended' }).expect(200);
      await actor.post(`/admin/users/${user.id}/revoke-sessions`).expect(204);
      const common = {
        id: expect.stringMatching(/^[\da-f-]{36}$/),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
        actor: { id: actor.user.id },
        target: { id: user.id },
        ip: '127.0.0.1',
      };
      expect(await auditOf(`actor=${actor.user.id}`)).toEqual([
        { ...common, action: 'user.sessions_revoked', before: null, after: null },
        {
          ...common,
          action: 'user.changed',
          before: { role: 'user', status: 'active' },
          after: { role: 'user', status: 'suspended' },
        },
      ]);
    });

    it('says nothing of names and e-mails', async () => {
      const actor = await signUpAdmin(app);
      const target = await signUp(app, { name: 'Unmistakable' });
      await actor.patch(`/admin/users/${target.user.id}`).send({ role: 'admin' }).expect(200);
      const { text } = await admin.get('/admin/audit?limit=100').expect(200);
      for (const word of ['Unmistakable', target.email, actor.email]) expect(text).not.toContain(word);
    });

    it('filters by action and pages without losing or repeating an entry', async () => {
      const actor = await signUpAdmin(app);
      const { user } = await signUp(app);
      for (let round = 0; round < 5; round++) {
        await actor.post(`/admin/users/${user.id}/revoke-sessions`).expect(204);
        await actor
          .patch(`/admin/users/${user.id}`)
          .send({ role: round % 2 ? 'user' : 'admin' })
          .expect(200);
      }
      const all = await auditOf(`actor=${actor.user.id}&limit=100`);
      expect(all).toHaveLength(10);
      const revoked = await auditOf(`actor=${actor.user.id}&action=user.sessions_revoked`);
      expect(revoked).toEqual(all.filter(({ action }) => action === 'user.sessions_revoked'));
      const paged: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const query = `actor=${actor.user.id}&limit=3${cursor && `&cursor=${cursor}`}`;
        const { body } = await admin.get(`/admin/audit?${query}`).expect(200);
        paged.push(...body.items);
        cursor = body.nextCursor as string | null;
      }
      expect(paged).toEqual(all);
    });

    it('refuses an unknown action and a cursor of another filter', async () => {
      const { body } = await admin.get('/admin/audit?action=user.renamed').expect(422);
      expect(body.errors[0].pointer).toBe('/action');
      await signUpAdmin(app);
      await signUpAdmin(app);
      const { nextCursor } = (await admin.get('/admin/audit?limit=1').expect(200)).body;
      const wrong = await admin.get(`/admin/audit?limit=1&action=user.changed&cursor=${nextCursor}`).expect(422);
      expect(wrong.body.code).toBe('cursor.invalid');
    });

    it('records an event once, however often it comes, also when the request died after the write', async () => {
      const { user } = await signUp(app);
      const standing = { role: 'user', status: 'active' } as const;
      const event = new UserStandingChanged(
        new Date(),
        ...([user.id, 1, { id: admin.user.id, ip: '192.0.2.7' }] as const),
        ...([standing, { ...standing, role: 'admin' }] as const),
      );
      const bus = app.app.get(EventBus);
      await bus.publish(toPending(event));
      await bus.publish(toPending(event));
      const found = (await auditOf(`actor=${admin.user.id}&limit=100`)).filter(({ id }) => id === event.eventId);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ ip: '192.0.2.7', target: { id: user.id }, after: { role: 'admin' } });
    });

    it('keeps what a deleted admin did, and not from where', async () => {
      const actor = await signUpAdmin(app);
      const { user } = await signUp(app);
      await actor.post(`/admin/users/${user.id}/revoke-sessions`).expect(204);
      await actor.delete('/users/me').send({ password: actor.password }).expect(204);
      await eventually(async () => {
        const [entry] = await auditOf(`actor=${actor.user.id}`);
        expect(entry).toMatchObject({ action: 'user.sessions_revoked', actor: { id: actor.user.id }, ip: null });
      });
    });
  });
});

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

describe('the last active admin', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  it.each([{ role: 'user' }, { status: 'suspended' }, { role: 'user', status: 'suspended' }])(
    'cannot become %j',
    async (change) => {
      const admin = await signUpAdmin(app);
      const { body } = await admin.patch(`/admin/users/${admin.user.id}`).send(change).expect(409);
      expect(body.code).toBe('admin.last_admin');
      await admin.get('/admin/users').expect(200);
    },
  );

  it('is not saved by an admin who is suspended', async () => {
    const [admin, other] = [await signUpAdmin(app), await signUpAdmin(app)];
    await admin.patch(`/admin/users/${other.user.id}`).send({ status: 'suspended' }).expect(200);
    await admin.patch(`/admin/users/${admin.user.id}`).send({ role: 'user' }).expect(409);
  });

  it('cannot delete the account', async () => {
    const admin = await signUpAdmin(app);
    const { body } = await admin.delete('/users/me').send({ password: admin.password }).expect(409);
    expect(body.code).toBe('admin.last_admin');
  });

  it('may go once there is another one, by their own hand too', async () => {
    const [admin, other] = [await signUpAdmin(app), await signUpAdmin(app)];
    await admin.patch(`/admin/users/${admin.user.id}`).send({ status: 'suspended' }).expect(200);
    await admin.get('/admin/users').expect(401);
    await other.patch(`/admin/users/${other.user.id}`).send({ role: 'user' }).expect(409);
  });

  it('is there after two admins demoted, suspended or deleted each other at the same time, twenty times', async () => {
    const users = app.app.get(UsersService);
    let [one, two] = [await signUpAdmin(app), await signUpAdmin(app)];
    for (let round = 0; round < 20; round++) {
      const change = round % 2 ? { role: 'user' } : { status: 'suspended' };
      const answers = await Promise.all([
        one.patch(`/admin/users/${two.user.id}`).send(change),
        two.patch(`/admin/users/${one.user.id}`).send(change),
      ]);
      // The slower one is refused: as the last admin's end, or because its own tokens are over by now.
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect([401, 409]).toContain(answers.find(({ status }) => status !== 200)!.status);
      expect(await users.countActiveAdmins()).toBe(1);
      const winner = answers[0].status === 200 ? one : two;
      [one, two] = [winner, await signUpAdmin(app)];
    }
  });
});

describe('the first admin', () => {
  const { email, password } = newAccount();
  const bootstrap = { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: password };

  it('is created from the environment, and the audit says so', async () => {
    const app = await startTestApp(bootstrap);
    const admin = await signIn(app, { email, password });
    expect(admin.user).toMatchObject({ email, role: 'admin', status: 'active' });
    const { body } = await admin.get('/admin/audit').expect(200);
    expect(body.items).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        actor: { id: null },
        action: 'admin.bootstrapped',
        target: { id: admin.user.id },
        ip: null,
        before: null,
        after: { role: 'admin', status: 'active' },
      },
    ]);
    await app.close();
  });

  it('is a known user of that e-mail in any case, who gets the password and loses all sessions', async () => {
    const database = await startTestDatabase();
    const before = await startTestApp({ MONGODB_URI: database.uri });
    const user = await signUp(before, { email });
    await before.close();
    const after = await startTestApp({
      MONGODB_URI: database.uri,
      BOOTSTRAP_ADMIN_PASSWORD: password,
      BOOTSTRAP_ADMIN_EMAIL: email.toUpperCase(),
    });
    const { token, refreshToken } = user;
    await after.http.get('/api/v1/users/me').set('authorization', `Bearer ${token}`).expect(401);
    await after.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
    await after.http.post('/api/v1/auth/login').send({ email, password: user.password }).expect(401);
    const admin = await signIn(after, { email, password });
    expect(admin.user).toMatchObject({ id: user.user.id, email, role: 'admin' });
    const { body } = await admin.get('/admin/audit?action=admin.bootstrapped').expect(200);
    expect(body.items[0].before).toEqual({ role: 'user', status: 'active' });
    await after.close();
    await database.close();
  });

  it('is made once: later the variables are ignored', async () => {
    const database = await startTestDatabase();
    const first = await startTestApp({ MONGODB_URI: database.uri, ...bootstrap });
    await first.close();
    const other = newAccount();
    const later = await startTestApp({
      MONGODB_URI: database.uri,
      BOOTSTRAP_ADMIN_EMAIL: email,
      BOOTSTRAP_ADMIN_PASSWORD: other.password,
    });
    await later.http.post('/api/v1/auth/login').send({ email, password: other.password }).expect(401);
    await (await signIn(later, { email, password })).get('/admin/users').expect(200);
    await later.close();
    const another = await startTestApp({
      MONGODB_URI: database.uri,
      BOOTSTRAP_ADMIN_EMAIL: other.email,
      BOOTSTRAP_ADMIN_PASSWORD: other.password,
    });
    await another.http.post('/api/v1/auth/login').send(other).expect(422);
    const { email: unknown, password: refused } = other;
    await another.http.post('/api/v1/auth/login').send({ email: unknown, password: refused }).expect(401);
    await another.close();
    await database.close();
  });

  it('is one, also when several processes start on one database', async () => {
    const database = await startTestDatabase();
    const others = [newAccount(), newAccount()];
    const apps = await Promise.all(
      others.map((account) =>
        startTestApp({
          MONGODB_URI: database.uri,
          BOOTSTRAP_ADMIN_EMAIL: account.email,
          BOOTSTRAP_ADMIN_PASSWORD: account.password,
        }),
      ),
    );
    expect(await apps[0]!.app.get(UsersService).countActiveAdmins()).toBe(1);
    for (const app of apps) await app.http.get('/api/health/ready').expect(200);
    for (const app of apps) await app.close();
    await database.close();
  });
});
