import { EventBus } from '../../src/core/events/event-bus.js';
import { toPending } from '../../src/core/events/domain-event.js';
import { AuditRepository } from '../../src/modules/admin/audit.repository.js';
import { UserStandingChanged } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';

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
        const { body, headers } = await admin.get(`/admin/audit?${query}`).expect(200);
        paged.push(...body.items);
        cursor = body.nextCursor as string | null;
        const next = new URL(/^<(.*)>; rel="next"$/.exec(headers['link'] ?? '')?.[1] ?? '/', 'http://x').searchParams;
        expect([next.get('cursor'), next.get('limit')]).toEqual([cursor, cursor && '3']);
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
      await bus.deliver('admin', toPending(event));
      await bus.deliver('admin', toPending(event));
      const found = (await auditOf(`actor=${admin.user.id}&limit=100`)).filter(({ id }) => id === event.eventId);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ ip: '192.0.2.7', target: { id: user.id }, after: { role: 'admin' } });
    });

    it('is completed, and so is the suspension, when the process stops between the write and the entry', async () => {
      const user = await signUp(app);
      const repository = app.app.get(AuditRepository);
      const insert = repository.insert.bind(repository);
      // The relay, too, gets nowhere until the request has failed.
      repository.insert = (entry) =>
        entry.target === user.user.id ? Promise.reject(new Error('stopped')) : insert(entry);
      await admin.patch(`/admin/users/${user.user.id}`).send({ status: 'suspended' }).expect(500);
      repository.insert = insert;
      await user.get('/users/me').expect(401);
      await eventually(async () => {
        const entries = await auditOf(`actor=${admin.user.id}&limit=100`);
        const own = entries.filter(({ target }) => (target as { id: string }).id === user.user.id);
        expect(own).toEqual([expect.objectContaining({ action: 'user.changed', ip: '127.0.0.1' })]);
      });
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
