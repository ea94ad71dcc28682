import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../../src/core/errors/core.errors.js';
import { Sessions } from '../../src/modules/auth/index.js';
import { SessionStore } from '../../src/modules/auth/session.store.js';
import { UsersService } from '../../src/modules/users/index.js';
import { NUL_IN_PATH, startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { signIn, signUp, type Client } from '../support/clients.js';
import { cookiesOf } from '../support/cookies.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';

let app: TestApp;
let second: TestApp;
let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  // Two instances on one database: what one ends, the other refuses.
  database = await startTestDatabase();
  app = await startTestApp({ MONGODB_URI: database.uri });
  second = await startTestApp({ MONGODB_URI: database.uri });
});
afterAll(async () => {
  await Promise.all([app.close(), second.close()]);
  await database.close();
});

const refresh = ({ refreshToken }: Client) => app.http.post('/api/v1/auth/refresh').send({ refreshToken });
const meAt = ({ http }: TestApp, { token }: Client) =>
  http.get('/api/v1/users/me').set('authorization', `Bearer ${token}`);

/** From here on refused by the instance that was asked, within a second by the other, and after a restart. */
async function expectSignedOut(client: Client): Promise<void> {
  const begun = performance.now();
  expectProblem(await meAt(app, client), 401, 'auth.token_invalid');
  expectProblem(await refresh(client), 401, 'auth.refresh_invalid');
  await eventually(async () => expectProblem(await meAt(second, client), 401, 'auth.token_invalid'));
  expect(performance.now() - begun).toBeLessThan(1000);
  const restarted = await startTestApp({ MONGODB_URI: database.uri });
  try {
    expectProblem(await meAt(restarted, client), 401, 'auth.token_invalid');
  } finally {
    await restarted.close();
  }
}

describe('POST /auth/logout', () => {
  it('answers 204, removes the cookie, and ends this session on every instance and after a restart', async () => {
    const client = await signUp(app);
    await meAt(second, client).expect(200);
    const answer = await client.post('/auth/logout');
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expect(cookiesOf(answer)).toMatchObject([
      { name: 'taskflow_refresh', value: '', attributes: { 'max-age': '0', path: '/api/v1/auth', httponly: true } },
    ]);
    await expectSignedOut(client);
  });

  it('leaves the other sessions', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    await client.post('/auth/logout').expect(204);
    await other.get('/users/me').expect(200);
    await refresh(other).expect(200);
  });

  it('refuses the access tokens that this session got before its refreshes too', async () => {
    const client = await signUp(app);
    const { body } = await refresh(client).expect(200);
    await app.http.post('/api/v1/auth/logout').set('authorization', `Bearer ${body.accessToken}`).expect(204);
    expectProblem(await client.get('/users/me'), 401, 'auth.token_invalid');
  });

  it('revokes first: a session that could not be removed is of no use any more', async () => {
    const client = await signUp(app);
    const end = jest
      .spyOn(app.app.get(SessionStore, { strict: false }), 'end')
      .mockRejectedValueOnce(new StoreUnavailable());
    expectProblem(await client.post('/auth/logout'), 503, 'store.unavailable');
    end.mockRestore();
    expectProblem(await client.get('/users/me'), 401, 'auth.token_invalid');
  });

  it('needs a signed-in user', async () => {
    expectProblem(await app.http.post('/api/v1/auth/logout'), 401, 'auth.token_missing');
  });

  it('takes a second logout with the same token for a bad token', async () => {
    const client = await signUp(app);
    await client.post('/auth/logout').expect(204);
    expectProblem(await client.post('/auth/logout'), 401, 'auth.token_invalid');
  });
});

describe('POST /auth/logout-all', () => {
  it('answers 204 and ends every session on every instance and after a restart', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    await meAt(second, other).expect(200);
    const answer = await client.post('/auth/logout-all');
    expect(answer.status).toBe(204);
    expect(cookiesOf(answer)).toMatchObject([{ value: '', attributes: { 'max-age': '0' } }]);
    await expectSignedOut(client);
    await expectSignedOut(other);
  });

  it('lets the user sign in again at once', async () => {
    const client = await signUp(app);
    await client.post('/auth/logout-all').expect(204);
    const again = await signIn(app, client);
    await again.get('/users/me').expect(200);
    await meAt(second, again).expect(200);
    await refresh(again).expect(200);
  });

  it('leaves other users alone', async () => {
    const [client, stranger] = await Promise.all([signUp(app), signUp(app)]);
    await client.post('/auth/logout-all').expect(204);
    await stranger.get('/users/me').expect(200);
  });

  it('leaves no good token to a refresh that races with it', async () => {
    for (let round = 0; round < 10; round++) {
      const client = await signUp(app);
      const [answer] = await Promise.all([refresh(client), client.post('/auth/logout-all').expect(204)]);
      if (answer.status !== 200) continue;
      const { accessToken, refreshToken } = answer.body;
      await app.http.get('/api/v1/users/me').set('authorization', `Bearer ${accessToken}`).expect(401);
      await app.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
    }
  });

  it('needs a signed-in user', async () => {
    expectProblem(await app.http.post('/api/v1/auth/logout-all'), 401, 'auth.token_missing');
  });
});

describe('GET /auth/sessions', () => {
  it('lists where the user is signed in, this session marked', async () => {
    const client = await signUp(app);
    const { body: other } = await app.http
      .post('/api/v1/auth/login')
      .set('user-agent', 'Firefox')
      .send({ email: client.email, password: client.password });
    const answer = await client.get('/auth/sessions').set('user-agent', 'not what counts');
    expect(answer.status).toBe(200);
    const time = expect.stringMatching(/Z$/);
    const common = { id: expect.any(String), createdAt: time, lastUsedAt: time, ip: '127.0.0.1' };
    expect(answer.body).toEqual({
      items: [
        { ...common, userAgent: 'Firefox', current: false },
        { ...common, userAgent: expect.any(String), current: true },
      ],
    });
    const seenByOther = await app.http.get('/api/v1/auth/sessions').set('authorization', `Bearer ${other.accessToken}`);
    expect(seenByOther.body.items.map(({ current }: { current: boolean }) => current)).toEqual([true, false]);
  });

  it('tells when and from what each was used last: a refresh is a use, and moves it to the front', async () => {
    const client = await signUp(app);
    await signIn(app, client);
    const listed = async () => (await client.get('/auth/sessions').expect(200)).body.items as Record<string, string>[];
    const [, before] = await listed();
    expect(before).toMatchObject({ current: true, lastUsedAt: before!['createdAt'] });
    await refresh(client).set('user-agent', 'Updated').expect(200);
    const [after] = await listed();
    expect(after).toEqual({ ...before, userAgent: 'Updated', lastUsedAt: expect.any(String) });
    expect(Date.parse(after!['lastUsedAt']!)).toBeGreaterThan(Date.parse(before!['lastUsedAt']!));
  });

  it('keeps 300 characters of the user agent', async () => {
    const client = await signUp(app);
    await app.http
      .post('/api/v1/auth/login')
      .set('user-agent', 'x'.repeat(1000))
      .send({ email: client.email, password: client.password })
      .expect(200);
    const { body } = await client.get('/auth/sessions').expect(200);
    expect(body.items[0].userAgent).toBe('x'.repeat(300));
  });

  it('shows nothing of a token, and is not kept by shared caches', async () => {
    const client = await signUp(app);
    const answer = await client.get('/auth/sessions').expect(200);
    expect(answer.headers['cache-control']).toBe('private, no-cache');
    expect(Object.keys(answer.body.items[0]).sort()).toEqual([
      'createdAt',
      'current',
      'id',
      'ip',
      'lastUsedAt',
      'userAgent',
    ]);
  });

  it('needs a signed-in user', async () => {
    expectProblem(await app.http.get('/api/v1/auth/sessions'), 401, 'auth.token_missing');
  });
});

describe('DELETE /auth/sessions/:id', () => {
  const currentId = async (client: Client): Promise<string> => {
    const { body } = await client.get('/auth/sessions').expect(200);
    return body.items.find(({ current }: { current: boolean }) => current).id;
  };

  it('answers 204 and ends that session on every instance and after a restart', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    const answer = await client.delete(`/auth/sessions/${await currentId(other)}`);
    expect(answer.status).toBe(204);
    expect(cookiesOf(answer)).toEqual([]);
    await expectSignedOut(other);
    await client.get('/users/me').expect(200);
  });

  it('removes the cookie when it is the session of the request', async () => {
    const client = await signUp(app);
    const answer = await client.delete(`/auth/sessions/${await currentId(client)}`).expect(204);
    expect(cookiesOf(answer)).toMatchObject([{ value: '', attributes: { 'max-age': '0' } }]);
    expectProblem(await client.get('/users/me'), 401, 'auth.token_invalid');
  });

  it('answers 404 session.not_found for somebody else’s session, and leaves it', async () => {
    const [client, stranger] = await Promise.all([signUp(app), signUp(app)]);
    const id = await currentId(stranger);
    const theirs = await client.delete(`/auth/sessions/${id}`);
    expectProblem(theirs, 404, 'session.not_found');
    const unknown = await client.delete(`/auth/sessions/${randomUUID()}`);
    expect({ ...theirs.body, instance: '', requestId: '' }).toEqual({ ...unknown.body, instance: '', requestId: '' });
    await stranger.get('/users/me').expect(200);
  });

  it.each(['x', '0123456789abcdef01234567', ...NUL_IN_PATH, '..%2f', 'a'.repeat(300)])(
    'answers 404 for the id %s',
    async (id) => {
      const client = await signUp(app);
      expectProblem(await client.delete(`/auth/sessions/${id}`), 404, 'session.not_found');
    },
  );

  it('answers 404 the second time', async () => {
    const client = await signUp(app);
    const id = await currentId(await signIn(app, client));
    await client.delete(`/auth/sessions/${id}`).expect(204);
    expectProblem(await client.delete(`/auth/sessions/${id}`), 404, 'session.not_found');
  });
});

describe('what happens to an account', () => {
  it('refuses its tokens at once, and ends the sessions that the request itself could not end', async () => {
    const [suspended, signedOut] = [await signUp(app), await signUp(app)];
    // The service writes the user and its event, as a process does that dies right after.
    const users = app.app.get(UsersService);
    await users.changeByAdmin(suspended.user.id, { status: 'suspended' }, { id: 'an-admin' });
    expectProblem(await suspended.get('/users/me'), 401, 'auth.token_invalid');
    await users.raiseVersion(signedOut.user.id);
    expectProblem(await signedOut.get('/users/me'), 401, 'auth.token_invalid');
    const sessions = app.app.get(Sessions);
    // Asked without a refresh, which would end a session by itself when it is asked twice.
    await eventually(async () => {
      expect(await sessions.list(suspended.user.id)).toEqual([]);
      expect(await sessions.list(signedOut.user.id)).toEqual([]);
    }, 15_000);
    await users.changeByAdmin(suspended.user.id, { status: 'active' }, { id: 'an-admin' });
    expectProblem(await refresh(suspended), 401, 'auth.refresh_invalid');
    await (await signIn(app, suspended)).get('/users/me').expect(200);
  });

  it('keeps the session in which the password was changed, and those opened since', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    const users = app.app.get(UsersService);
    const sessions = app.app.get(Sessions);
    const { passwordHash } = (await users.findById(client.user.id))!;
    const kept = (await sessions.list(client.user.id)).find(({ id }) => client.refreshToken.includes(id));
    await users.changePassword(client.user.id, passwordHash, passwordHash, kept!.id);
    const later = await signIn(app, client);
    await eventually(async () => expect(await sessions.list(client.user.id)).toHaveLength(2), 15_000);
    // Whichever process ended it, within a second the other one knows.
    await eventually(async () => expectProblem(await other.get('/users/me'), 401, 'auth.token_invalid'), 1000);
    await client.get('/users/me').expect(200);
    await later.get('/users/me').expect(200);
  });
});
