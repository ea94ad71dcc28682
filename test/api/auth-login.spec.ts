import { Passwords, Sessions } from '../../src/modules/auth/index.js';
import { UsersService } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signUp } from '../support/clients.js';
import { cookiesOf } from '../support/cookies.js';
import { expectProblem } from '../support/problems.js';

const ADMIN = { id: 'an-admin' };

describe('POST /auth/login', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const login = (body: object) => app.http.post('/api/v1/auth/login').send(body);

  it('answers 200 with the user, tokens and the cookie', async () => {
    const { email, password, user } = await signUp(app);
    const answer = await login({ email, password });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ user, accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 900 });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(cookiesOf(answer)).toMatchObject([
      { name: 'taskflow_refresh', attributes: { httponly: true, samesite: 'Strict', path: '/api/v1/auth' } },
    ]);
  });

  it('returns the refresh token in the body, and no cookie, with refreshIn: body', async () => {
    const { email, password } = await signUp(app);
    const answer = await login({ email, password, refreshIn: 'body' });
    expect(answer.body.refreshToken).toEqual(expect.any(String));
    expect(cookiesOf(answer)).toEqual([]);
  });

  it('compares e-mails without their case', async () => {
    const { email, password } = await signUp(app);
    await login({ email: email.toUpperCase(), password }).expect(200);
  });

  it('begins a session of its own each time', async () => {
    const ada = await signUp(app);
    await login({ email: ada.email, password: ada.password }).expect(200);
    expect((await ada.get('/auth/sessions')).body.items).toHaveLength(2);
  });

  it('gives a wrong e-mail and a wrong password one and the same answer', async () => {
    const { email, password } = await signUp(app);
    const unknown = await login({ email: newAccount().email, password });
    const wrong = await login({ email, password: `${password}!` });
    expectProblem(unknown, 401, 'auth.invalid_credentials');
    const { requestId: _unknown, ...unknownBody } = unknown.body;
    const { requestId: _wrong, ...wrongBody } = wrong.body;
    expect(unknownBody).toEqual(wrongBody);
    expect(Object.keys(unknown.headers).sort()).toEqual(Object.keys(wrong.headers).sort());
    expect(cookiesOf(wrong)).toEqual([]);
  });

  it('verifies a password for an unknown e-mail too, so that both take the same time', async () => {
    const { email } = await signUp(app);
    const medianMs = async (address: () => string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 7; i++) {
        const begun = performance.now();
        await login({ email: address(), password: 'a wrong password' }).expect(401);
        times.push(performance.now() - begun);
      }
      return times.sort((a, b) => a - b)[3]!;
    };
    const verified = jest.spyOn(app.app.get(Passwords), 'matches');
    const ratio = (await medianMs(() => newAccount().email)) / (await medianMs(() => email));
    expect(verified).toHaveBeenCalledTimes(14);
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.5);
  });

  it('tells that an account is suspended after the right password only', async () => {
    const { email, password, user } = await signUp(app);
    await app.app.get(UsersService).changeByAdmin(user.id, { status: 'suspended' }, ADMIN);
    expectProblem(await login({ email, password: 'a wrong password' }), 401, 'auth.invalid_credentials');
    expectProblem(await login({ email, password }), 403, 'auth.suspended');
  });

  it.each([
    ['a suspension', 403, (id: string) => ({ id, change: { status: 'suspended' as const } })],
    ['a deletion', 401, (id: string) => ({ id, change: undefined })],
  ])('leaves no session when %s comes while the password is verified', async (_what, status, plan) => {
    const { email, password, user } = await signUp(app);
    const users = app.app.get(UsersService);
    const sessions = app.app.get(Sessions);
    const { id, change } = plan(user.id);
    const open = sessions.open.bind(sessions);
    jest.spyOn(sessions, 'open').mockImplementationOnce(async (...session) => {
      await (change ? users.changeByAdmin(id, change, ADMIN) : users.delete(id));
      await sessions.endAll(id);
      return open(...session);
    });
    await login({ email, password }).expect(status);
    expect(await sessions.list(user.id)).toEqual([]);
  });

  it('leaves no session when the password is changed while the old one is verified', async () => {
    const { email, password, user } = await signUp(app);
    const users = app.app.get(UsersService);
    const sessions = app.app.get(Sessions);
    const open = sessions.open.bind(sessions);
    jest.spyOn(sessions, 'open').mockImplementationOnce(async (...session) => {
      const { passwordHash } = (await users.findById(user.id))!;
      await users.changePassword(user.id, passwordHash, await app.app.get(Passwords).hash('a newer password'));
      await sessions.endAll(user.id);
      return open(...session);
    });
    expectProblem(await login({ email, password }), 401, 'auth.invalid_credentials');
    expect(await sessions.list(user.id)).toEqual([]);
  });

  it.each([
    ['an operator for the password', { password: { $ne: null } }, '/password'],
    ['an operator for the e-mail', { email: { $gt: '' } }, '/email'],
    ['no password', { password: undefined }, '/password'],
    ['an unknown field', { remember: true }, '/remember'],
  ])('answers 422 to %s', async (_what, wrong, pointer) => {
    const { email, password } = newAccount();
    expectProblem(await login({ email, password, ...wrong }), 422, 'input.invalid', [{ pointer }]);
  });

  it('takes a password that breaks the rules for a wrong one', async () => {
    const { email } = await signUp(app);
    expectProblem(await login({ email, password: 'short' }), 401, 'auth.invalid_credentials');
    expectProblem(await login({ email, password: 'x'.repeat(500) }), 401, 'auth.invalid_credentials');
  });
});
