import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../../src/core/errors/core.errors.js';
import { Clock } from '../../src/core/time/clock.js';
import { Sessions } from '../../src/modules/auth/index.js';
import { SessionStore } from '../../src/modules/auth/session.store.js';
import { UsersService } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, type Client } from '../support/clients.js';
import { cookiesOf, refreshCookieOf } from '../support/cookies.js';
import { expectProblem } from '../support/problems.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

describe('POST /auth/refresh', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const refresh = (refreshToken: unknown) => app.http.post('/api/v1/auth/refresh').send({ refreshToken });
  const withCookie = (cookie: string) => app.http.post('/api/v1/auth/refresh').set('cookie', cookie);
  const later = (ms: number): void => {
    const now = Date.now();
    jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(now + ms));
  };
  const sessionsOf = ({ user }: Client) => app.app.get(Sessions).list(user.id);
  const me = (token: string) => app.http.get('/api/v1/users/me').set('authorization', `Bearer ${token}`);

  it('answers 200 with the user, a new access token and a new refresh token in the body that asked in the body', async () => {
    const { user, refreshToken, token } = await signUp(app);
    const answer = await refresh(refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      user,
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshToken: expect.any(String),
    });
    expect(answer.body.refreshToken).not.toBe(refreshToken);
    expect(answer.body.accessToken).not.toBe(token);
    expect(cookiesOf(answer)).toEqual([]);
    expect(answer.headers['cache-control']).toBe('no-store');
    await me(answer.body.accessToken).expect(200);
  });

  it('answers a cookie with a cookie, and no token in the body', async () => {
    const registered = await app.http.post('/api/v1/auth/register').send(newAccount()).expect(201);
    const answer = await withCookie(refreshCookieOf(registered));
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refreshToken');
    expect(cookiesOf(answer)).toMatchObject([
      { name: 'taskflow_refresh', attributes: { httponly: true, samesite: 'Strict', path: '/api/v1/auth' } },
    ]);
    expect(refreshCookieOf(answer)).not.toBe(refreshCookieOf(registered));
    await withCookie(refreshCookieOf(answer)).expect(200);
  });

  it('answers 422 to a cookie and a body together, and uses up neither', async () => {
    const { refreshToken } = await signUp(app);
    const answer = await withCookie(`taskflow_refresh=${refreshToken}`).send({ refreshToken });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/refreshToken', code: 'ambiguous' }]);
    await refresh(refreshToken).expect(200);
  });

  it('answers 401 auth.refresh_missing to neither', async () => {
    expectProblem(await app.http.post('/api/v1/auth/refresh'), 401, 'auth.refresh_missing');
    expectProblem(await app.http.post('/api/v1/auth/refresh').send({}), 401, 'auth.refresh_missing');
  });

  it.each([[null], [7], [''], [{ $ne: null }], [['a']], ['x'.repeat(513)]])('answers 422 to %j', async (value) => {
    expectProblem(await refresh(value), 422, 'input.invalid', [{ pointer: '/refreshToken' }]);
  });

  it.each([['nonsense'], [`0123456789abcdef01234567.${randomUUID()}.${'a'.repeat(64)}`]])(
    'answers 401 auth.refresh_invalid to %s',
    async (value) => {
      expectProblem(await refresh(value), 401, 'auth.refresh_invalid');
    },
  );

  it('does not take an access token', async () => {
    const { token } = await signUp(app);
    expect((await refresh(token.slice(0, 512))).status).toBe(401);
  });

  it('continues the same session', async () => {
    const client = await signUp(app);
    const [before] = await sessionsOf(client);
    const { body } = await refresh(client.refreshToken).set('user-agent', 'another browser').expect(200);
    const sessions = await sessionsOf(client);
    expect(sessions).toMatchObject([{ id: before!.id, createdAt: before!.createdAt, userAgent: 'another browser' }]);
    expect(sessions[0]!.lastUsedAt.getTime()).toBeGreaterThanOrEqual(before!.lastUsedAt.getTime());
    await refresh(body.refreshToken).expect(200);
  });

  it('gives a token that is used again within ten seconds the same successor', async () => {
    const { refreshToken } = await signUp(app);
    const first = await refresh(refreshToken).expect(200);
    later(9 * SECOND);
    const second = await refresh(refreshToken).expect(200);
    expect(second.body.refreshToken).toBe(first.body.refreshToken);
    await refresh(second.body.refreshToken).expect(200);
  });

  it('gives fifty at once one and the same successor, which continues the one session', async () => {
    const client = await signUp(app);
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(client.refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(({ body }) => body.refreshToken as string));
    expect(successors.size).toBe(1);
    expect(await sessionsOf(client)).toHaveLength(1);
    await refresh([...successors][0]).expect(200);
  });

  it('ends the whole session when a token is used again later: 401 auth.refresh_reused', async () => {
    const client = await signUp(app);
    const first = await refresh(client.refreshToken).expect(200);
    later(10 * SECOND);
    expectProblem(await refresh(client.refreshToken), 401, 'auth.refresh_reused');
    expect(await sessionsOf(client)).toEqual([]);
    expectProblem(await refresh(first.body.refreshToken), 401, 'auth.refresh_invalid');
    jest.restoreAllMocks();
    expectProblem(await me(client.token), 401, 'auth.token_invalid');
    expectProblem(await me(first.body.accessToken), 401, 'auth.token_invalid');
  });

  it('ends the whole session when an older token is used, at once', async () => {
    const client = await signUp(app);
    const { body } = await refresh(client.refreshToken).expect(200);
    const { body: third } = await refresh(body.refreshToken).expect(200);
    expectProblem(await refresh(client.refreshToken), 401, 'auth.refresh_reused');
    expectProblem(await refresh(third.refreshToken), 401, 'auth.refresh_invalid');
    expect(await sessionsOf(client)).toEqual([]);
  });

  it('leaves the user’s other sessions alone when one ends by reuse', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    const { body } = await refresh(client.refreshToken).expect(200);
    await refresh(body.refreshToken).expect(200);
    await refresh(client.refreshToken).expect(401);
    await me(other.token).expect(200);
    await refresh(other.refreshToken).expect(200);
  });

  it('does not let somebody who read a session id end the session', async () => {
    const client = await signUp(app);
    const [userId, sessionId] = client.refreshToken.split('.');
    const forged = `${userId}.${sessionId}.${Buffer.alloc(48, 7).toString('base64url')}`;
    expectProblem(await refresh(forged), 401, 'auth.refresh_invalid');
    await me(client.token).expect(200);
    await refresh(client.refreshToken).expect(200);
  });

  it('removes a cookie that is of no use any more', async () => {
    const answer = await withCookie('taskflow_refresh=nonsense');
    expectProblem(answer, 401, 'auth.refresh_invalid');
    expect(cookiesOf(answer)).toMatchObject([
      { name: 'taskflow_refresh', value: '', attributes: { 'max-age': '0', path: '/api/v1/auth' } },
    ]);
  });

  it('answers 503 and keeps the cookie when the store is away: nobody is signed out by that', async () => {
    const registered = await app.http.post('/api/v1/auth/register').send(newAccount()).expect(201);
    const store = app.app.get(SessionStore, { strict: false });
    jest.spyOn(store, 'rotate').mockRejectedValueOnce(new StoreUnavailable());
    const answer = await withCookie(refreshCookieOf(registered));
    expectProblem(answer, 503, 'store.unavailable');
    expect(cookiesOf(answer)).toEqual([]);
    await withCookie(refreshCookieOf(registered)).expect(200);
  });

  it('ends 30 days after the last use', async () => {
    const { refreshToken } = await signUp(app);
    later(29 * DAY);
    const { body } = await refresh(refreshToken).expect(200);
    later(58 * DAY);
    const second = await refresh(body.refreshToken).expect(200);
    later(88 * DAY + SECOND);
    expectProblem(await refresh(second.body.refreshToken), 401, 'auth.refresh_invalid');
  });

  it('ends 90 days after the sign-in, however often it was used', async () => {
    let { refreshToken } = await signUp(app);
    for (const day of [29, 58, 87]) {
      later(day * DAY);
      refreshToken = ((await refresh(refreshToken).expect(200)).body as { refreshToken: string }).refreshToken;
    }
    later(90 * DAY);
    expectProblem(await refresh(refreshToken), 401, 'auth.refresh_invalid');
  });

  it('issues the role that the user has now', async () => {
    const client = await signUp(app);
    await app.app.get(UsersService).changeByAdmin(client.user.id, { role: 'admin' }, { id: 'an-admin' });
    const { body } = await refresh(client.refreshToken).expect(200);
    expect(body.user.role).toBe('admin');
    expect(JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString())).toMatchObject({
      role: 'admin',
    });
    await me(body.accessToken).expect(200);
  });

  it('answers 403 auth.suspended to a suspended user’s session that is still there', async () => {
    const client = await signUp(app);
    const users = app.app.get(UsersService);
    const holdListener = jest.spyOn(app.app.get(Sessions), 'endAll').mockResolvedValue();
    await users.changeByAdmin(client.user.id, { status: 'suspended' }, { id: 'an-admin' });
    expectProblem(await refresh(client.refreshToken), 403, 'auth.suspended');
    holdListener.mockRestore();
    expectProblem(await me(client.token), 401, 'auth.token_invalid');
  });

  it('answers 401 to a deleted user’s session that is still there', async () => {
    const client = await signUp(app);
    jest.spyOn(app.app.get(Sessions), 'endAll').mockResolvedValue();
    await app.app.get(UsersService).delete(client.user.id);
    expectProblem(await refresh(client.refreshToken), 401, 'auth.refresh_invalid');
  });

  it('does not bring back a session that a logout ends at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const client = await signUp(app);
      const [answer] = await Promise.all([refresh(client.refreshToken), client.post('/auth/logout').expect(204)]);
      expect(await sessionsOf(client)).toEqual([]);
      if (answer.status === 200) {
        await me(answer.body.accessToken).expect(401);
        await refresh(answer.body.refreshToken).expect(401);
      } else {
        expectProblem(answer, 401, 'auth.refresh_invalid');
      }
    }
  });

  it('does not need an access token, nor mind an expired one', async () => {
    const { refreshToken } = await signUp(app);
    await refresh(refreshToken).set('authorization', 'Bearer nonsense').expect(200);
  });
});
