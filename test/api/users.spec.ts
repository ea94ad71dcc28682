import { getConnectionToken } from '@nestjs/mongoose';
import { randomBytes } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { Clock } from '../../src/core/time/clock.js';
import { Sessions } from '../../src/modules/auth/index.js';
import { PURGE_AGAIN_MS } from '../../src/modules/users/user.js';
import { UserDirectory, UsersService } from '../../src/modules/users/index.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { cookiesOf } from '../support/cookies.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('GET /users/me', () => {
  it('answers the account of the token', async () => {
    const ada = await signUp(app);
    const answer = await ada.get('/users/me');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(ada.user);
  });

  it('is cached, names it, and is revalidated with its ETag', async () => {
    const ada = await signUp(app);
    const miss = await ada.get('/users/me').expect(200);
    expect(miss.headers).toMatchObject({
      'cache-status': 'taskflow; fwd=miss',
      'cache-control': 'private, no-cache',
      etag: expect.stringMatching(/^"[\w-]+"$/),
    });
    const hit = await ada.get('/users/me').expect(200);
    expect(hit.headers).toMatchObject({ 'cache-status': 'taskflow; hit', etag: miss.headers['etag'] });
    expect(hit.body).toEqual(ada.user);
    const unchanged = await ada.get('/users/me').set('if-none-match', miss.headers['etag']!);
    expect({ status: unchanged.status, text: unchanged.text }).toEqual({ status: 304, text: '' });
  });

  it('never answers with somebody else’s account', async () => {
    const [ada, bob] = await Promise.all([signUp(app), signUp(app)]);
    for (let i = 0; i < 2; i++) {
      expect((await ada.get('/users/me')).body.id).toBe(ada.user.id);
      expect((await bob.get('/users/me')).body.id).toBe(bob.user.id);
    }
  });

  it('needs a signed-in user', async () => {
    expectProblem(await app.http.get('/api/v1/users/me'), 401, 'auth.token_missing');
  });
});

describe('PATCH /users/me', () => {
  it('changes what it is given and keeps the rest', async () => {
    const ada = await signUp(app);
    const name = await ada.patch('/users/me').send({ name: 'Ada King' }).expect(200);
    expect(name.body).toEqual({ ...ada.user, name: 'Ada King', updatedAt: expect.any(String) });
    expect(Date.parse(name.body.updatedAt)).toBeGreaterThanOrEqual(Date.parse(ada.user.updatedAt as never));
    const rest = await ada.patch('/users/me').send({ timeZone: 'Europe/London', locale: 'en-GB' }).expect(200);
    expect(rest.body).toMatchObject({ name: 'Ada King', timeZone: 'Europe/London', locale: 'en-GB' });
  });

  it('is seen by the next read, also when that was cached', async () => {
    const ada = await signUp(app);
    await ada.get('/users/me').expect(200);
    await ada.patch('/users/me').send({ name: 'Ada King' }).expect(200);
    const after = await ada.get('/users/me').expect(200);
    expect(after.headers['cache-status']).toBe('taskflow; fwd=miss');
    expect(after.body.name).toBe('Ada King');
  });

  it('takes application/merge-patch+json too', async () => {
    const ada = await signUp(app);
    const answer = await ada.patch('/users/me').type('application/merge-patch+json').send('{"name":"Ada King"}');
    expect(answer.status).toBe(200);
    expect(answer.body.name).toBe('Ada King');
  });

  it('changes nothing with an empty patch', async () => {
    const ada = await signUp(app);
    const answer = await ada.patch('/users/me').send({});
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: ada.user });
  });

  it.each(['UTC', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])(
    'takes the time zone %s',
    async (timeZone) => {
      const { body } = await (await signUp(app)).patch('/users/me').send({ timeZone }).expect(200);
      expect(body.timeZone).toBe(timeZone);
    },
  );

  it.each(['de', 'zh-Hant-TW', 'sr-Latn-RS', 'en-u-ca-buddhist'])('takes the locale %s', async (locale) => {
    const { body } = await (await signUp(app)).patch('/users/me').send({ locale }).expect(200);
    expect(body.locale).toBe(locale);
  });

  it.each([
    ['null for a name', { name: null }, '/name', 'text'],
    ['null for a time zone', { timeZone: null }, '/timeZone', 'time_zone'],
    ['null for a locale', { locale: null }, '/locale', 'locale'],
    ['an empty name', { name: '' }, '/name', 'text'],
    ['a name of 101 characters', { name: 'a'.repeat(101) }, '/name', 'text'],
    ['an operator for a name', { name: { $set: 'x' } }, '/name', 'text'],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }, '/timeZone', 'time_zone'],
    ['an offset for a time zone', { timeZone: '+02:00' }, '/timeZone', 'time_zone'],
    ['a number for a time zone', { timeZone: 2 }, '/timeZone', 'time_zone'],
    ['a locale that is none', { locale: 'en_GB!' }, '/locale', 'locale'],
    ['an unknown field', { nickname: 'ada' }, '/nickname', 'unknown_field'],
    ['the e-mail', { email: 'eve@example.org' }, '/email', 'unknown_field'],
    ['the role', { role: 'admin' }, '/role', 'unknown_field'],
    ['the version', { version: 1 }, '/version', 'unknown_field'],
  ])('answers 422 to %s', async (_what, change, pointer, code) => {
    const ada = await signUp(app);
    expectProblem(await ada.patch('/users/me').send(change), 422, 'input.invalid', [{ pointer, code }]);
    expect((await ada.get('/users/me')).body).toEqual(ada.user);
  });

  it('loses none of the changes that race', async () => {
    const ada = await signUp(app);
    const changes = [{ name: 'Ada King' }, { timeZone: 'Europe/London' }, { locale: 'en-GB' }];
    await Promise.all(changes.map((change) => ada.patch('/users/me').send(change).expect(200)));
    expect((await ada.get('/users/me')).body).toMatchObject(Object.assign({}, ...changes));
  });

  it('needs a signed-in user', async () => {
    expectProblem(await app.http.patch('/api/v1/users/me').send({ name: 'Eve' }), 401, 'auth.token_missing');
  });
});

describe('DELETE /users/me', () => {
  const remove = (client: Client, password: unknown = client.password) => client.delete('/users/me').send({ password });

  const connection = (): Connection => app.app.get(getConnectionToken());
  const stored = (id: string) =>
    connection()
      .collection('users')
      .findOne({ _id: new Types.ObjectId(id) });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('answers 204 and removes the cookie; the account is gone for everybody', async () => {
    const ada = await signUp(app);
    const other = await signIn(app, ada);
    await ada.get('/users/me').expect(200);
    const answer = await remove(ada);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expect(cookiesOf(answer)).toMatchObject([{ name: 'taskflow_refresh', value: '', attributes: { 'max-age': '0' } }]);
    for (const client of [ada, other]) expectProblem(await client.get('/users/me'), 401, 'auth.token_invalid');
    for (const { refreshToken } of [ada, other]) {
      const refreshed = await app.http.post('/api/v1/auth/refresh').send({ refreshToken });
      expectProblem(refreshed, 401, 'auth.refresh_invalid');
    }
    const { email, password } = ada;
    const login = await app.http.post('/api/v1/auth/login').send({ email, password });
    expectProblem(login, 401, 'auth.invalid_credentials');
    expect(await app.app.get(UsersService).findById(ada.user.id)).toBeUndefined();
    const [word] = email.split('@');
    expect((await app.app.get(UserDirectory).list({ q: word }, 'an-admin')).items).toEqual([]);
  });

  it('frees the e-mail at once, for an account that has nothing of the old one', async () => {
    const ada = await signUp(app);
    await remove(ada).expect(204);
    const again = await signUp(app, { email: ada.email });
    expect(again.user.id).not.toBe(ada.user.id);
    expectProblem(await ada.get('/users/me'), 401, 'auth.token_invalid');
  });

  it('is refused by another instance within a second', async () => {
    const database = await startTestDatabase();
    const [first, second] = [
      await startTestApp({ MONGODB_URI: database.uri }),
      await startTestApp({ MONGODB_URI: database.uri }),
    ];
    try {
      const ada = await signUp(first);
      const me = () => second.http.get('/api/v1/users/me').set('authorization', `Bearer ${ada.token}`);
      await me().expect(200);
      await remove(ada).expect(204);
      await eventually(async () => expectProblem(await me(), 401, 'auth.token_invalid'), 1000);
    } finally {
      await Promise.all([first.close(), second.close()]);
      await database.close();
    }
  });

  it('leaves nothing personal in the document that waits for its purge', async () => {
    const name = `Zoe${randomBytes(4).toString('hex')}`;
    const ada = await signUp(app, { name });
    await remove(ada).expect(204);
    const raw = JSON.stringify(await stored(ada.user.id));
    expect(raw).toMatch(/"status":"deleted"/);
    expect(raw).not.toMatch(new RegExp(`${name}|${ada.email}|argon2`, 'i'));
  });

  it('removes the last document once the longest request is over', async () => {
    const ada = await signUp(app);
    await remove(ada).expect(204);
    expect(await stored(ada.user.id)).not.toBeNull();
    // A session that a request writes which was running at the deletion.
    const sessions = app.app.get(Sessions);
    await sessions.open(ada.user.id, { ip: '192.0.2.1', userAgent: 'late' });
    expect(await sessions.list(ada.user.id)).toHaveLength(1);
    const now = Date.now();
    jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(now + PURGE_AGAIN_MS + 1000));
    await eventually(async () => expect(await stored(ada.user.id)).toBeNull(), 15_000);
    expect(await sessions.list(ada.user.id)).toEqual([]);
  });

  it('answers 422 to a wrong password, and changes nothing', async () => {
    const ada = await signUp(app);
    const answer = await remove(ada, 'a wrong password');
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/password', code: 'incorrect' }]);
    await ada.get('/users/me').expect(200);
    await signIn(app, ada);
  });

  it.each([[undefined], [null], [{ $ne: '' }], ['']])('answers 422 to the password %j', async (password) => {
    const ada = await signUp(app);
    const answer = await ada.delete('/users/me').send({ password });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/password' }]);
    await ada.get('/users/me').expect(200);
  });

  it('bears being asked twice at once', async () => {
    const ada = await signUp(app);
    const statuses = (await Promise.all([remove(ada), remove(ada)])).map(({ status }) => status);
    expect(statuses).toContain(204);
    expect(statuses.every((status) => [204, 401, 404].includes(status))).toBe(true);
  });

  it('keeps the last admin: 409 admin.last_admin; the one before may go', async () => {
    const own = await startTestApp();
    try {
      const [first, second] = [await signUpAdmin(own), await signUpAdmin(own)];
      const statuses = (await Promise.all([remove(first), remove(second)])).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([204, 409]));
      const last = (await first.get('/users/me')).status === 200 ? first : second;
      expectProblem(await remove(last), 409, 'admin.last_admin');
      expect(await own.app.get(UsersService).countActiveAdmins()).toBe(1);
      await signUpAdmin(own);
      await remove(last).expect(204);
    } finally {
      await own.close();
    }
  });

  it('needs a signed-in user', async () => {
    const answer = await app.http.delete('/api/v1/users/me').send({ password: 'x' });
    expectProblem(answer, 401, 'auth.token_missing');
  });
});
