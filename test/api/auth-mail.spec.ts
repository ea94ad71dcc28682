import { getConnectionToken } from '@nestjs/mongoose';
import { Types, type Connection } from 'mongoose';
import { Background } from '../../src/core/events/background.js';
import { Revocations } from '../../src/core/security/revocations.js';
import { Clock } from '../../src/core/time/clock.js';
import { MongoServer } from '../../src/embedded/mongo/index.js';
import { UsersService } from '../../src/modules/users/index.js';
import type { UserDocument } from '../../src/modules/users/user.schema.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { MailedTokensOf } from '../support/mailed-tokens.js';
import { MongoWire, type WireCommand } from '../support/mongo-wire.js';
import { expectProblem } from '../support/problems.js';

const NEW = 'a better horse, a newer battery';
const MINUTE_MS = 60_000;

let app: TestApp;
let mailed: MailedTokensOf;
beforeAll(async () => {
  app = await startTestApp();
  mailed = new MailedTokensOf(app);
});
afterAll(() => app.close());
afterEach(() => {
  jest.restoreAllMocks();
});

const post = (path: string, body: object) => app.http.post(`/api/v1/auth/${path}`).send(body);
const forgot = (email: string) => post('forgot-password', { email });
const reset = (token: string, newPassword = NEW) => post('reset-password', { token, newPassword });
const verify = (token: string) => post('verify-email', { token });
const login = (email: string, password: string) => post('login', { email, password });

/** Moves the clock of the application. */
const wait = (ms: number): void => {
  const until = Date.now() + ms;
  jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(until));
};
const suspend = ({ user }: Client) =>
  app.app.get(UsersService).changeByAdmin(user.id, { status: 'suspended' }, { id: 'test' });

/** The token of a mail that was just asked for. */
const resetToken = async ({ user, email }: Client): Promise<string> => {
  const before = mailed.of(user.id, 'reset_password').length;
  await forgot(email).expect(202);
  return (await mailed.first(before + 1, user.id, 'reset_password')).at(-1)!;
};
const verificationToken = async ({ user }: Client): Promise<string> =>
  (await mailed.first(1, user.id, 'verify_email'))[0]!;

describe('POST /auth/forgot-password', () => {
  it('answers 202 without a body, and the account gets a token', async () => {
    const ada = await signUp(app);
    const answer = await forgot(ada.email.toUpperCase());
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: '' });
    expect(await mailed.first(1, ada.user.id, 'reset_password')).toHaveLength(1);
  });

  it('answers an unknown, a suspended and a deleted address like a known one, and mails them nothing', async () => {
    const [known, suspended, deleted] = [await signUp(app), await signUp(app), await signUp(app)];
    await suspend(suspended);
    await deleted.delete('/users/me').send({ password: deleted.password }).expect(204);
    const answers = [];
    for (const email of [newAccount().email, suspended.email, deleted.email, known.email]) {
      const { status, text, headers } = await forgot(email);
      const { date: _date, 'x-request-id': _id, ratelimit: _budget, ...rest } = headers as Record<string, string>;
      answers.push({ status, text, rest });
    }
    expect(answers[0]!.status).toBe(202);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    // The last one's has come, so the others would have.
    await mailed.first(1, known.user.id, 'reset_password');
    for (const { user } of [suspended, deleted]) {
      expect(mailed.of(user.id, 'reset_password')).toEqual([]);
      expect(await tokensIn(user.id)).not.toContain('reset_password');
    }
  });

  it('asks the same of the database for each of them', async () => {
    const server = await MongoServer.open({});
    const wire = await MongoWire.to(server.uri);
    const watched = await startTestApp({ MONGODB_URI: wire.uri('forgotten') });
    try {
      const [known, suspended, deleted] = [await signUp(watched), await signUp(watched), await signUp(watched)];
      await watched.app.get(UsersService).changeByAdmin(suspended.user.id, { status: 'suspended' }, { id: 'test' });
      await deleted.delete('/users/me').send({ password: deleted.password }).expect(204);
      for (const one of watched.apps) await one.get(Background).stop();
      const asked: string[] = [];
      for (const email of [known.email, newAccount().email, suspended.email, deleted.email]) {
        const request = () => watched.http.post('/api/v1/auth/forgot-password').send({ email }).expect(202);
        // Budgets of an address begin with its first request.
        await request();
        wire.commands.splice(0);
        await request();
        asked.push(shapes(wire.commands));
      }
      expect(asked[0]).toContain('findAndModify users _id, status, version');
      expect(asked).toEqual(asked.map(() => asked[0]));
    } finally {
      await watched.close();
      await wire.close();
      await server.close();
    }
  });

  it('mails up to three in half an hour; whoever asks more often is answered the same', async () => {
    const ada = await signUp(app);
    for (let n = 0; n < 5; n++) await forgot(n % 2 ? ada.email.toUpperCase() : ada.email).expect(202);
    await mailed.first(3, ada.user.id, 'reset_password');
    wait(31 * MINUTE_MS);
    await forgot(ada.email).expect(202);
    // The fourth has come, so the two that were too many would have.
    expect(await mailed.first(4, ada.user.id, 'reset_password')).toHaveLength(4);
  });

  it('changes nothing that the account’s owner could see', async () => {
    const ada = await signUp(app);
    const before = await ada.get('/users/me').expect(200);
    await resetToken(ada);
    wait(11 * MINUTE_MS);
    const after = await (await signIn(app, ada)).get('/users/me').expect(200);
    expect(after.body).toEqual(before.body);
    await ada.get('/tasks').expect(200);
  });

  it.each([
    ['no address', { email: 'ada' }],
    ['an operator', { email: { $ne: null } }],
    ['nothing', {}],
    ['more than an address', { email: 'ada@example.org', name: 'Ada' }],
  ])('answers 422 to %s', async (_what, body) => {
    expectProblem(await post('forgot-password', body), 422, 'input.invalid');
  });
});

describe('POST /auth/reset-password', () => {
  it('answers 204; from here on the new password counts and the old one does not', async () => {
    const ada = await signUp(app);
    const answer = await reset(await resetToken(ada));
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expectProblem(await login(ada.email, ada.password), 401, 'auth.invalid_credentials');
    await login(ada.email, NEW).expect(200);
  });

  it('ends every session; one that is begun afterwards stays', async () => {
    const ada = await signUp(app);
    const sessions = [ada, await signIn(app, ada)];
    await reset(await resetToken(ada)).expect(204);
    const next = await signIn(app, { email: ada.email, password: NEW });
    for (const session of sessions) {
      expectProblem(await session.get('/users/me'), 401, 'auth.token_invalid');
      expectProblem(await post('refresh', { refreshToken: session.refreshToken }), 401, 'auth.refresh_invalid');
    }
    // The listeners of the event have had their turn, too.
    await eventually(async () => expect(await waitingEvents(ada.user.id)).toEqual([]));
    await next.get('/users/me').expect(200);
    const { body } = await next.get('/auth/sessions').expect(200);
    expect(body.items).toHaveLength(1);
  });

  it('ends them before it answers, whenever the event is heard', async () => {
    const quiet = await startTestApp();
    try {
      const ada = await signUp(quiet);
      const other = await signIn(quiet, ada);
      const tokens = new MailedTokensOf(quiet);
      await quiet.http.post('/api/v1/auth/forgot-password').send({ email: ada.email }).expect(202);
      const [token] = await tokens.first(1, ada.user.id, 'reset_password');
      for (const one of quiet.apps) await one.get(Background).stop();
      await quiet.http.post('/api/v1/auth/reset-password').send({ token, newPassword: NEW }).expect(204);
      for (const { refreshToken } of [ada, other])
        expectProblem(
          await quiet.http.post('/api/v1/auth/refresh').send({ refreshToken }),
          401,
          'auth.refresh_invalid',
        );
    } finally {
      await quiet.close();
    }
  });

  it('ends them also when the process dies once the password is written', async () => {
    const ada = await signUp(app);
    const token = await resetToken(ada);
    const revocations = app.app.get(Revocations);
    jest.spyOn(revocations, 'raiseVersion').mockRejectedValueOnce(new Error('died'));
    await reset(token).expect(500);
    await eventually(async () => expectProblem(await ada.get('/users/me'), 401, 'auth.token_invalid'));
    await eventually(async () =>
      expectProblem(await post('refresh', { refreshToken: ada.refreshToken }), 401, 'auth.refresh_invalid'),
    );
    await login(ada.email, NEW).expect(200);
  });

  it('takes a token once: then 422 auth.one_time_token_invalid', async () => {
    const ada = await signUp(app);
    const token = await resetToken(ada);
    await reset(token).expect(204);
    expectProblem(await reset(token, 'yet another password'), 422, 'auth.one_time_token_invalid');
    await login(ada.email, NEW).expect(200);
  });

  it('lets one of many requests with the same token win', async () => {
    const ada = await signUp(app);
    const token = await resetToken(ada);
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => reset(token, `battery number ${n}`)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 422, 422, 422, 422, 422]);
    await login(ada.email, `battery number ${statuses.indexOf(204)}`).expect(200);
  });

  it('takes any of several tokens, and then none of the others', async () => {
    const ada = await signUp(app);
    const [first, second] = [await resetToken(ada), await resetToken(ada)];
    await reset(first).expect(204);
    expectProblem(await reset(second), 422, 'auth.one_time_token_invalid');
  });

  it('takes none from before a password that was changed otherwise', async () => {
    const ada = await signUp(app);
    const token = await resetToken(ada);
    await ada.post('/auth/change-password').send({ currentPassword: ada.password, newPassword: NEW }).expect(204);
    expectProblem(await reset(token, 'yet another password'), 422, 'auth.one_time_token_invalid');
    await login(ada.email, NEW).expect(200);
  });

  it('takes a token within 30 minutes, and not later', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const tokens = [await resetToken(ada), await resetToken(bob)];
    wait(29.9 * MINUTE_MS);
    await reset(tokens[0]!).expect(204);
    wait(30.1 * MINUTE_MS);
    expectProblem(await reset(tokens[1]!), 422, 'auth.one_time_token_invalid');
  });

  it('takes no token that was mailed for something else', async () => {
    const ada = await signUp(app);
    expectProblem(await reset(await verificationToken(ada)), 422, 'auth.one_time_token_invalid');
    expectProblem(await verify(await resetToken(ada)), 422, 'auth.one_time_token_invalid');
  });

  it('takes none of a suspended or a deleted account', async () => {
    const [suspended, deleted] = [await signUp(app), await signUp(app)];
    const tokens = [await resetToken(suspended), await resetToken(deleted)];
    await suspend(suspended);
    await deleted.delete('/users/me').send({ password: deleted.password }).expect(204);
    for (const token of tokens) expectProblem(await reset(token), 422, 'auth.one_time_token_invalid');
  });

  it('refuses a guessable password, and the token stays good', async () => {
    const ada = await signUp(app);
    const token = await resetToken(ada);
    const refused = [
      ['short', 'length'],
      ['1234567890', 'too_common'],
      [ada.email, 'is_email'],
    ];
    for (const [password, code] of refused)
      expectProblem(await reset(token, password), 422, 'input.invalid', [{ pointer: '/newPassword', code }]);
    await reset(token).expect(204);
  });

  it.each([
    ['nonsense', (token: string) => token.slice(1)],
    ['another account’s id', (token: string) => token.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a'))],
    ['another end', (token: string) => token.replace(/.{4}$/, 'AAAA')],
    ['a bearer token', () => 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA'],
  ])('answers 422 auth.one_time_token_invalid to a token with %s', async (_what, change) => {
    expectProblem(await reset(change(await resetToken(await signUp(app)))), 422, 'auth.one_time_token_invalid');
  });

  it.each([
    ['no token', { newPassword: NEW }],
    ['an empty token', { token: '', newPassword: NEW }],
    ['an operator for a token', { token: { $gt: '' }, newPassword: NEW }],
    ['no password', { token: 'x' }],
  ])('answers 422 input.invalid to %s', async (_what, body) => {
    expectProblem(await post('reset-password', body), 422, 'input.invalid');
  });
});

describe('POST /auth/verify-email', () => {
  it('answers 204 to the token that the registration had mailed, and the profile says so at once', async () => {
    const ada = await signUp(app);
    expect((await ada.get('/users/me').expect(200)).body.emailVerified).toBe(false);
    const answer = await verify(await verificationToken(ada));
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expect((await ada.get('/users/me').expect(200)).body.emailVerified).toBe(true);
    await post('refresh', { refreshToken: ada.refreshToken }).expect(200);
  });

  it('takes a token once, also of many requests', async () => {
    const ada = await signUp(app);
    const token = await verificationToken(ada);
    const statuses = (await Promise.all(Array.from({ length: 6 }, () => verify(token)))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 422, 422, 422, 422, 422]);
    expectProblem(await verify(token), 422, 'auth.one_time_token_invalid');
  });

  it('takes a token within 30 minutes, and not later', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const tokens = [await verificationToken(ada), await verificationToken(bob)];
    wait(29.9 * MINUTE_MS);
    await verify(tokens[0]!).expect(204);
    wait(30.1 * MINUTE_MS);
    expectProblem(await verify(tokens[1]!), 422, 'auth.one_time_token_invalid');
  });

  it('takes none of a suspended account', async () => {
    const ada = await signUp(app);
    const token = await verificationToken(ada);
    await suspend(ada);
    expectProblem(await verify(token), 422, 'auth.one_time_token_invalid');
  });
});

describe('POST /auth/resend-verification', () => {
  const resend = (client: Client) => client.post('/auth/resend-verification');

  it('answers 202 and has another token mailed, which is as good as the first', async () => {
    const ada = await signUp(app);
    const answer = await resend(ada);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: '' });
    const tokens = await mailed.first(2, ada.user.id, 'verify_email');
    await verify(tokens[1]!).expect(204);
    expectProblem(await verify(tokens[0]!), 422, 'auth.one_time_token_invalid');
  });

  it('mails no more than three in half an hour, the one of the registration included', async () => {
    const ada = await signUp(app);
    for (let n = 0; n < 4; n++) await resend(ada).expect(202);
    await mailed.first(3, ada.user.id, 'verify_email');
    await resetToken(ada);
    expect(mailed.of(ada.user.id, 'verify_email')).toHaveLength(3);
  });

  it('mails nothing to an address that is confirmed', async () => {
    const ada = await signUp(app);
    await verify(await verificationToken(ada)).expect(204);
    await resend(ada).expect(202);
    await resetToken(ada);
    expect(mailed.of(ada.user.id, 'verify_email')).toHaveLength(1);
  });

  it('needs a signed-in user', async () => {
    expectProblem(await post('resend-verification', {}), 401, 'auth.token_missing');
  });

  it('counts the registrations of an address that was given up each time', async () => {
    const { email, ...account } = newAccount();
    const purposes: string[][] = [];
    for (let n = 0; n < 5; n++) {
      const ada = await signUp(app, { email, ...account });
      purposes.push(await tokensIn(ada.user.id));
      await ada.delete('/users/me').send({ password: account.password }).expect(204);
    }
    expect(purposes).toEqual([['verify_email'], ['verify_email'], ['verify_email'], [], []]);
  });
});

describe('The store', () => {
  it('has nothing by which a token could be used', async () => {
    const ada = await signUp(app);
    const tokens = [await resetToken(ada), await verificationToken(ada)];
    let all = '';
    for (const collection of await database().db!.collections())
      all += JSON.stringify(await collection.find().toArray());
    expect(all).toContain(ada.user.id);
    for (const token of tokens) expect(all).not.toContain(token.split('.')[2]);
  });
});

const database = (): Connection => app.app.get<Connection>(getConnectionToken(), { strict: false });

const stored = (userId: string) =>
  database()
    .collection<Pick<UserDocument, '_id' | 'mailedTokens' | 'pending'>>('users')
    .findOne({ _id: new Types.ObjectId(userId) });

/** The purposes of the tokens that an account keeps. */
const tokensIn = async (userId: string): Promise<string[]> =>
  (await stored(userId))?.mailedTokens?.map(({ purpose }) => purpose) ?? [];

const waitingEvents = async (userId: string): Promise<readonly unknown[]> => (await stored(userId))?.pending ?? [];

/** Each command on users and limits, in order, with what its filter names. */
function shapes(commands: readonly WireCommand[]): string {
  return commands
    .filter(({ collection }) => collection === 'users' || collection === 'rate_limits')
    .map(({ name, collection, body }) => {
      const [first] = (body['documents'] ?? body['updates'] ?? [{}]) as Record<string, object>[];
      const filter = body['filter'] ?? body['query'] ?? first?.['q'] ?? first ?? {};
      return `${name} ${String(collection)} ${Object.keys(filter as object)
        .toSorted()
        .join(', ')}`;
    })
    .join('\n');
}
