import { OneTimeTokens } from '../../src/core/security/one-time-tokens.js';
import { Clock } from '../../src/core/time/clock.js';
import { UsersService } from '../../src/modules/users/index.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { newAccount, signUp } from '../support/clients.js';
import { expectProblem } from '../support/problems.js';
import type { Response } from 'supertest';

const WRONG = 'a wrong password';
const QUARTER_MS = 15 * 60 * 1000;

/** With n = 4: 4 per e-mail and address, 20 per address, 40 per e-mail. Addresses come from a proxy that is trusted. */
describe('login budgets', () => {
  let app: TestApp;
  let lastAddress = 0;
  beforeAll(async () => {
    app = await startTestApp({ LOGIN_RATE_LIMIT_PER_15MIN: '4', TRUST_PROXY: '1' });
  });
  afterAll(() => app.close());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const newAddress = (): string => `198.51.${100 + (lastAddress >> 8)}.${++lastAddress & 255}`;
  const post = (path: string, body: object, address: string) =>
    app.http.post(`/api/v1${path}`).set('x-forwarded-for', address).send(body);
  const login = (email: string, password: string, address: string) => post('/auth/login', { email, password }, address);
  const register = (address: string) => post('/auth/register', { ...newAccount(), refreshIn: 'body' }, address);
  const times = async (n: number, attempt: (i: number) => PromiseLike<Response>): Promise<number[]> => {
    const statuses: number[] = [];
    for (let i = 0; i < n; i++) statuses.push((await attempt(i)).status);
    return statuses;
  };
  const account = async () => {
    const given = newAccount();
    const { body } = await post('/auth/register', { ...given, refreshIn: 'body' }, newAddress()).expect(201);
    return { ...given, token: body.accessToken as string, refreshToken: body.refreshToken as string };
  };

  it('allows n attempts per e-mail and address, the right password included: then 429 rate_limit.exceeded', async () => {
    const { email, password } = await account();
    const address = newAddress();
    expect(await times(4, () => login(email, WRONG, address))).toEqual([401, 401, 401, 401]);
    const answer = await login(email, password, address);
    expectProblem(answer, 429, 'rate_limit.exceeded');
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(900);
  });

  it('says what is left in the RateLimit fields', async () => {
    const { email } = await account();
    const address = newAddress();
    const first = await login(email, WRONG, address);
    expect(first.headers['ratelimit-policy']).toBe('"default";q=1000000;w=60, "login";q=4;w=900');
    expect(first.headers['ratelimit']).toMatch(/^"default";r=\d+;t=\d+, "login";r=3;t=900$/);
    await times(3, () => login(email, WRONG, address));
    const refused = await login(email, WRONG, address);
    expect(refused.headers['ratelimit']).toMatch(/"login";r=0;t=\d+$/);
  });

  it('counts e-mails without their case, and unknown ones like known ones', async () => {
    const { email } = newAccount();
    const address = newAddress();
    expect(await times(4, (i) => login(i % 2 ? email.toUpperCase() : email, WRONG, address))).toEqual([
      401, 401, 401, 401,
    ]);
    expectProblem(await login(email.toUpperCase(), WRONG, address), 429, 'rate_limit.exceeded');
  });

  it('lets the same e-mail in from another address, and another e-mail from the same', async () => {
    const { email, password } = await account();
    const other = await account();
    const address = newAddress();
    await times(5, () => login(email, WRONG, address));
    await login(email, password, newAddress()).expect(200);
    await login(other.email, other.password, address).expect(200);
  });

  it('allows 5n attempts per address', async () => {
    const address = newAddress();
    expect(new Set(await times(20, () => login(newAccount().email, WRONG, address)))).toEqual(new Set([401]));
    expectProblem(await login(newAccount().email, WRONG, address), 429, 'rate_limit.exceeded');
    await login(newAccount().email, WRONG, newAddress()).expect(401);
  });

  it('takes a /64 of IPv6 for one address', async () => {
    const { email } = newAccount();
    expect(await times(4, (i) => login(email, WRONG, `2001:db8:1:2::${i}`))).toEqual([401, 401, 401, 401]);
    expectProblem(await login(email, WRONG, '2001:db8:1:2:ffff::9'), 429, 'rate_limit.exceeded');
    await login(email, WRONG, '2001:db8:1:3::1').expect(401);
  });

  describe('when strangers used up the 10n of an e-mail', () => {
    const lockedOut = async () => {
      const owner = await account();
      // The registration was the first of the forty.
      expect(new Set(await times(39, () => login(owner.email, WRONG, newAddress())))).toEqual(new Set([401]));
      return owner;
    };
    const withCookie = (owner: { email: string }, password: string, refreshToken: string) =>
      login(owner.email, password, newAddress()).set('cookie', `taskflow_refresh=${refreshToken}`);

    it('refuses whoever has no session of the account, from any address', async () => {
      const owner = await lockedOut();
      expectProblem(await login(owner.email, owner.password, newAddress()), 429, 'rate_limit.exceeded');
    });

    it('gives a client with a session of the account n attempts of its own', async () => {
      const owner = await lockedOut();
      await withCookie(owner, owner.password, owner.refreshToken).expect(200);
      expect(await times(3, () => withCookie(owner, WRONG, owner.refreshToken))).toEqual([401, 401, 401]);
      expectProblem(await withCookie(owner, owner.password, owner.refreshToken), 429, 'rate_limit.exceeded');
    });

    it('does not believe the session of another account, a forged or a used one', async () => {
      const owner = await lockedOut();
      const stranger = await account();
      const [userId, sessionId] = owner.refreshToken.split('.');
      const forged = `${userId}.${sessionId}.${Buffer.alloc(48, 7).toString('base64url')}`;
      await post('/auth/refresh', { refreshToken: owner.refreshToken }, newAddress()).expect(200);
      for (const token of [stranger.refreshToken, forged, owner.refreshToken, 'nonsense']) {
        expectProblem(await withCookie(owner, owner.password, token), 429, 'rate_limit.exceeded');
      }
    });

    it('lets the owner change the password all the same', async () => {
      const owner = await lockedOut();
      await post(
        '/auth/change-password',
        { currentPassword: owner.password, newPassword: 'a newer password' },
        newAddress(),
      )
        .set('authorization', `Bearer ${owner.token}`)
        .expect(204);
    });
  });

  it('gives attempts back as time goes by', async () => {
    const { email, password } = await account();
    const address = newAddress();
    await times(5, () => login(email, WRONG, address));
    const now = Date.now();
    jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(now + 2 * QUARTER_MS));
    await login(email, password, address).expect(200);
  });

  it('covers registration', async () => {
    const address = newAddress();
    expect(new Set(await times(20, () => register(address)))).toEqual(new Set([201]));
    expectProblem(await register(address), 429, 'rate_limit.exceeded');
  });

  it.each([
    [
      'POST /auth/change-password',
      'post',
      '/auth/change-password',
      { currentPassword: WRONG, newPassword: 'a newer password' },
    ],
    ['DELETE /users/me', 'delete', '/users/me', { password: WRONG }],
  ] as const)('covers %s, under the e-mail of the user', async (_what, method, path, body) => {
    const owner = await account();
    const address = newAddress();
    const attempt = () =>
      app.http[method](`/api/v1${path}`)
        .set('x-forwarded-for', address)
        .set('authorization', `Bearer ${owner.token}`)
        .send(body);
    expect(await times(4, attempt)).toEqual([422, 422, 422, 422]);
    expectProblem(await attempt(), 429, 'rate_limit.exceeded');
    expectProblem(await login(owner.email, owner.password, address), 429, 'rate_limit.exceeded');
  });

  it('covers POST /auth/forgot-password, under the address that was named, known or not', async () => {
    const [owner, stranger] = [await account(), newAccount()];
    for (const { email, password } of [owner, stranger]) {
      const address = newAddress();
      expect(await times(4, () => post('/auth/forgot-password', { email }, address))).toEqual([202, 202, 202, 202]);
      expectProblem(await post('/auth/forgot-password', { email }, address), 429, 'rate_limit.exceeded');
      expectProblem(await login(email, password, address), 429, 'rate_limit.exceeded');
    }
  });

  it('covers POST /auth/resend-verification, under the e-mail of the user', async () => {
    const owner = await account();
    const address = newAddress();
    const resend = () => post('/auth/resend-verification', {}, address).set('authorization', `Bearer ${owner.token}`);
    expect(await times(4, resend)).toEqual([202, 202, 202, 202]);
    expectProblem(await resend(), 429, 'rate_limit.exceeded');
    expectProblem(await login(owner.email, owner.password, address), 429, 'rate_limit.exceeded');
  });

  describe.each([
    ['POST /auth/reset-password', '/auth/reset-password', 'reset_password'],
    ['POST /auth/verify-email', '/auth/verify-email', 'verify_email'],
  ] as const)('covers %s:', (_what, path, purpose) => {
    const attempt = (token: string, address: string) =>
      post(path, path.endsWith('email') ? { token } : { token, newPassword: 'a newer password' }, address);
    /** Genuine, and never kept by any account. */
    const unusable = async ({ email }: { email: string }): Promise<string> => {
      const tokens = app.app.get(OneTimeTokens);
      const { id } = (await app.app.get(UsersService).findByEmail(email))!;
      return tokens.tokenOf(purpose, tokens.issue(purpose, id).id);
    };

    it('n for a token and address, 5n for the address with whatever token', async () => {
      const address = newAddress();
      expect(await times(4, () => attempt('nonsense', address))).toEqual([422, 422, 422, 422]);
      expectProblem(await attempt('nonsense', address), 429, 'rate_limit.exceeded');
      expect(new Set(await times(16, (i) => attempt(`nonsense ${i}`, address)))).toEqual(new Set([422]));
      expectProblem(await attempt('something else', address), 429, 'rate_limit.exceeded');
    });

    it('a genuine token counts for its account', async () => {
      const owner = await account();
      const address = newAddress();
      for (let n = 0; n < 4; n++)
        expectProblem(await attempt(await unusable(owner), address), 422, 'auth.one_time_token_invalid');
      expectProblem(await attempt(await unusable(owner), address), 429, 'rate_limit.exceeded');
      expectProblem(await login(owner.email, owner.password, address), 429, 'rate_limit.exceeded');
    });

    it('a forged one does not: nobody can use up the budget of an account with it', async () => {
      const owner = await account();
      const forged = (await unusable(owner)).replace(/.{4}$/, 'AAAA');
      const address = newAddress();
      await times(5, () => attempt(forged, address));
      await login(owner.email, owner.password, address).expect(200);
    });

    it('a genuine one has n attempts of its own when strangers used up the 10n of its account', async () => {
      const owner = await account();
      expect(new Set(await times(39, () => login(owner.email, WRONG, newAddress())))).toEqual(new Set([401]));
      expectProblem(await login(owner.email, owner.password, newAddress()), 429, 'rate_limit.exceeded');
      const token = await unusable(owner);
      expect(await times(4, () => attempt(token, newAddress()))).toEqual([422, 422, 422, 422]);
      expectProblem(await attempt(token, newAddress()), 429, 'rate_limit.exceeded');
    });
  });

  it('does not count refreshes', async () => {
    const address = newAddress();
    let { refreshToken } = await account();
    for (let i = 0; i < 25; i++) {
      refreshToken = (await post('/auth/refresh', { refreshToken }, address).expect(200)).body.refreshToken as string;
    }
    await login(newAccount().email, WRONG, address).expect(401);
  });

  it('does not believe an address that the client wrote itself', async () => {
    const { email } = newAccount();
    const address = newAddress();
    const forwarded = () => login(email, WRONG, `${newAddress()}, ${address}`);
    expect(await times(4, forwarded)).toEqual([401, 401, 401, 401]);
    expectProblem(await forwarded(), 429, 'rate_limit.exceeded');
  });

  it('is ten by default', async () => {
    const strict = await startTestApp({ LOGIN_RATE_LIMIT_PER_15MIN: '' });
    try {
      const { email } = await signUp(strict);
      const attempt = () => strict.http.post('/api/v1/auth/login').send({ email, password: WRONG });
      // The registration was the first.
      expect(new Set(await times(9, attempt))).toEqual(new Set([401]));
      expectProblem(await attempt(), 429, 'rate_limit.exceeded');
    } finally {
      await strict.close();
    }
  });
});

describe('a login budget', () => {
  it('is not filled up by a restart', async () => {
    const database = await startTestDatabase();
    const environment = { MONGODB_URI: database.uri, LOGIN_RATE_LIMIT_PER_15MIN: '2' };
    const attempt = (app: TestApp) =>
      app.http.post('/api/v1/auth/login').send({ email: 'ada@example.org', password: 'not the right one' });
    try {
      const first = await startTestApp(environment);
      await attempt(first).expect(401);
      await attempt(first).expect(401);
      await first.close();
      const second = await startTestApp(environment);
      expectProblem(await attempt(second), 429, 'rate_limit.exceeded');
      await second.close();
    } finally {
      await database.close();
    }
  });
});
