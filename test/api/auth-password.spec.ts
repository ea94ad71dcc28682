import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, type Client } from '../support/clients.js';
import { expectProblem } from '../support/problems.js';

const NEW = 'a better horse, a newer battery';

describe('POST /auth/change-password', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  const change = (client: Client, body: object) => client.post('/auth/change-password').send(body);
  const login = (email: string, password: string) => app.http.post('/api/v1/auth/login').send({ email, password });
  const refresh = ({ refreshToken }: Client) => app.http.post('/api/v1/auth/refresh').send({ refreshToken });

  it('answers 204; from here on the new password counts and the old one does not', async () => {
    const client = await signUp(app);
    const answer = await change(client, { currentPassword: client.password, newPassword: NEW });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expectProblem(await login(client.email, client.password), 401, 'auth.invalid_credentials');
    await login(client.email, NEW).expect(200);
  });

  it('ends every other session and keeps this one', async () => {
    const client = await signUp(app);
    const others = [await signIn(app, client), await signIn(app, client)];
    await change(client, { currentPassword: client.password, newPassword: NEW }).expect(204);
    for (const other of others) {
      expectProblem(await other.get('/users/me'), 401, 'auth.token_invalid');
      expectProblem(await refresh(other), 401, 'auth.refresh_invalid');
    }
    const { body } = await client.get('/auth/sessions').expect(200);
    expect(body.items).toMatchObject([{ current: true }]);
    await refresh(client).expect(200);
  });

  it('answers 422 to a wrong current password, and changes nothing', async () => {
    const client = await signUp(app);
    const other = await signIn(app, client);
    const answer = await change(client, { currentPassword: 'a wrong password', newPassword: NEW });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/currentPassword', code: 'incorrect' }]);
    await login(client.email, client.password).expect(200);
    await other.get('/users/me').expect(200);
  });

  it.each([
    ['too short', 'short', 'length'],
    ['too long', 'x'.repeat(129), 'length'],
    ['common', 'qwertyuiop', 'too_common'],
  ])('answers 422 to a new password that is %s', async (_what, newPassword, code) => {
    const client = await signUp(app);
    const answer = await change(client, { currentPassword: client.password, newPassword });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/newPassword', code }]);
  });

  it('answers 422 to the e-mail as the new password', async () => {
    const client = await signUp(app);
    const answer = await change(client, { currentPassword: client.password, newPassword: client.email });
    expectProblem(answer, 422, 'input.invalid', [{ pointer: '/newPassword', code: 'is_email' }]);
  });

  it.each([
    ['no current password', { newPassword: NEW }, '/currentPassword'],
    ['an operator', { currentPassword: { $ne: '' }, newPassword: NEW }, '/currentPassword'],
    ['an unknown field', { currentPassword: 'x', newPassword: NEW, userId: 'x' }, '/userId'],
  ])('answers 422 to %s', async (_what, body, pointer) => {
    expectProblem(await change(await signUp(app), body), 422, 'input.invalid', [{ pointer }]);
  });

  it('lets one of two changes from the same password win', async () => {
    const client = await signUp(app);
    const wishes = [`${NEW} one`, `${NEW} two`];
    const answers = await Promise.all(
      wishes.map((newPassword) => change(client, { currentPassword: client.password, newPassword })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204, 422]));
    const winner = answers[0]!.status === 204 ? 0 : 1;
    await login(client.email, wishes[winner]!).expect(200);
    await login(client.email, wishes[1 - winner]!).expect(401);
  });

  it('needs a signed-in user', async () => {
    const body = { currentPassword: 'x', newPassword: NEW };
    expectProblem(await app.http.post('/api/v1/auth/change-password').send(body), 401, 'auth.token_missing');
  });
});
