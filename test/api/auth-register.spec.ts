import { Passwords } from '../../src/modules/auth/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signUp } from '../support/clients.js';
import { cookiesOf } from '../support/cookies.js';
import { expectProblem } from '../support/problems.js';

describe('POST /auth/register', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  const register = (body: object) => app.http.post('/api/v1/auth/register').send(body);

  it('answers 201 with the user and tokens', async () => {
    const { email, password, name } = newAccount();
    const answer = await register({ email, password, name });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      user: {
        id: expect.any(String),
        email,
        name,
        role: 'user',
        status: 'active',
        emailVerified: false,
        timeZone: 'UTC',
        locale: 'en',
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        updatedAt: answer.body.user.createdAt,
      },
      accessToken: expect.stringMatching(/^eyJ/),
      tokenType: 'Bearer',
      expiresIn: 900,
    });
  });

  it('keeps the answer out of every cache, and the refresh token in a cookie of the auth routes', async () => {
    const answer = await register(newAccount());
    expect(answer.headers['cache-control']).toBe('no-store');
    const [cookie, ...others] = cookiesOf(answer);
    expect(others).toEqual([]);
    expect(cookie!.name).toBe('taskflow_refresh');
    expect(cookie!.attributes).toEqual({
      httponly: true,
      samesite: 'Strict',
      path: '/api/v1/auth',
      'max-age': String(30 * 24 * 60 * 60),
    });
  });

  it('returns the refresh token in the body, and no cookie, with refreshIn: body', async () => {
    const answer = await register({ ...newAccount(), refreshIn: 'body' });
    expect(answer.body.refreshToken).toMatch(/^[\da-f]{24}\.[\da-f-]{36}\.[\w-]{64}$/);
    expect(cookiesOf(answer)).toEqual([]);
  });

  it('makes a token that is good at once', async () => {
    const { body } = await register(newAccount());
    const me = await app.http.get('/api/v1/users/me').set('authorization', `Bearer ${body.accessToken}`).expect(200);
    expect(me.body).toEqual(body.user);
  });

  it('answers 409 user.email_taken to a known e-mail, whatever its case', async () => {
    const account = newAccount();
    await register(account).expect(201);
    expectProblem(await register({ ...account, email: account.email.toUpperCase() }), 409, 'user.email_taken');
  });

  it('lets one of many registrations of an e-mail win', async () => {
    const { email } = newAccount();
    const many = Array.from({ length: 8 }, (_, i) =>
      register(newAccount({ email: i % 2 ? email.toUpperCase() : email })),
    );
    const statuses = (await Promise.all(many)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('takes names and passwords in any script, counted in code points', async () => {
    const { email } = newAccount();
    const name = '😀'.repeat(100);
    const { body } = await register({ email, name, password: '😀'.repeat(128) }).expect(201);
    expect(body.user.name).toBe(name);
    const login = { email, password: '😀'.repeat(128) };
    await app.http.post('/api/v1/auth/login').send(login).expect(200);
  });

  it.each([
    ['e-mail', { email: 'no address' }, [{ pointer: '/email', code: 'email' }]],
    ['missing e-mail', { email: undefined }, [{ pointer: '/email', code: 'email' }]],
    ['e-mail of 255 characters', { email: `${'a'.repeat(64)}@${'b'.repeat(186)}.org` }, [{ pointer: '/email' }]],
    ['operator for an e-mail', { email: { $ne: null } }, [{ pointer: '/email', code: 'email' }]],
    ['short password', { password: '😀'.repeat(9) }, [{ pointer: '/password', code: 'length' }]],
    ['long password', { password: 'a'.repeat(129) }, [{ pointer: '/password', code: 'length' }]],
    ['common password', { password: '1234567890' }, [{ pointer: '/password', code: 'too_common' }]],
    ['array for a password', { password: ['correct horse'] }, [{ pointer: '/password' }, { pointer: '/password' }]],
    ['empty name', { name: '' }, [{ pointer: '/name', code: 'text' }]],
    ['name of spaces', { name: '   ' }, [{ pointer: '/name', code: 'text' }]],
    ['name of 101 characters', { name: 'a'.repeat(101) }, [{ pointer: '/name', code: 'text' }]],
    ['name without an encoding', { name: 'Ada \ud800' }, [{ pointer: '/name', code: 'text' }]],
    ['null for a name', { name: null }, [{ pointer: '/name', code: 'text' }]],
    ['unknown field', { role: 'admin' }, [{ pointer: '/role', code: 'unknown_field' }]],
    ['unknown place for the refresh token', { refreshIn: 'url' }, [{ pointer: '/refreshIn', code: 'is_in' }]],
  ])('answers 422 with a pointer: %s', async (_what, wrong, errors) => {
    expectProblem(await register({ ...newAccount(), ...wrong }), 422, 'input.invalid', errors);
  });

  it('answers 422 to the e-mail as its password', async () => {
    const account = newAccount();
    const answer = await register({ ...account, password: account.email.toUpperCase() });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/password', code: 'is_email' }]);
  });

  it('never shows a password or its hash', async () => {
    const account = newAccount();
    const { text } = await register(account).expect(201);
    expect(text).not.toContain(account.password);
    expect(text).not.toMatch(/argon2|password/i);
    const refused = await register({ ...account, password: 'qwertyuiop' });
    expect(refused.text).not.toContain('qwertyuiop');
  });

  it('ignores Idempotency-Key', async () => {
    const account = newAccount();
    await register(account).set('idempotency-key', 'k').expect(201);
    expectProblem(await register(account).set('idempotency-key', 'k'), 409, 'user.email_taken');
  });

  it('answers 503 server.overloaded when too many passwords wait to be hashed', async () => {
    const passwords = app.app.get(Passwords);
    const hash = passwords.hash.bind(passwords);
    let flood: Promise<unknown>[] = [];
    // As many others as may wait ask right before it, so that no place gets free in between.
    const asked = jest.spyOn(passwords, 'hash').mockImplementationOnce((password) => {
      flood = Array.from({ length: 60 }, () => hash('correct horse'));
      return hash(password);
    });
    const answer = await register(newAccount());
    asked.mockRestore();
    const hashed = (await Promise.allSettled(flood)).filter(({ status }) => status === 'fulfilled');
    expect(hashed.length).toBeGreaterThanOrEqual(50);
    expectProblem(answer, 503, 'server.overloaded');
  });

  it('calls the cookie __Secure-taskflow_refresh, and Secure, in production', async () => {
    const production = await startTestApp({ NODE_ENV: 'production', SECRET_KEY: 'Zq8#vN2!kLm5$xR9@wT4&yB7*cF1^hJ6' });
    try {
      const answer = await production.http.post('/api/v1/auth/register').send(newAccount()).expect(201);
      const [cookie] = cookiesOf(answer);
      expect(cookie!.name).toBe('__Secure-taskflow_refresh');
      expect(cookie!.attributes).toMatchObject({
        secure: true,
        httponly: true,
        samesite: 'Strict',
        path: '/api/v1/auth',
      });
      const refreshed = await production.http
        .post('/api/v1/auth/refresh')
        .set('cookie', `${cookie!.name}=${cookie!.value}`)
        .expect(200);
      expect(cookiesOf(refreshed)[0]!.name).toBe('__Secure-taskflow_refresh');
    } finally {
      await production.close();
    }
  });

  it('gives every account an id of its own', async () => {
    const [one, two] = await Promise.all([signUp(app), signUp(app)]);
    expect(one.user.id).not.toBe(two.user.id);
  });
});
