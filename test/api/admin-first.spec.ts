import { UsersService } from '../../src/modules/users/index.js';
import { eventually } from '../support/eventually.js';
import { startTestApp, startTestDatabase } from '../support/app.js';
import { newAccount, signIn, signUp } from '../support/clients.js';

describe('BOOTSTRAP_ADMIN_EMAIL and BOOTSTRAP_ADMIN_PASSWORD: the first admin', () => {
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
    try {
      for (const app of apps) await eventually(() => app.http.get('/api/health/ready').expect(200));
      expect(await apps[0]!.app.get(UsersService).countActiveAdmins()).toBe(1);
    } finally {
      for (const app of apps) await app.close();
      await database.close();
    }
  });
});
