import { randomBytes } from 'node:crypto';
import request, { type Test } from 'supertest';
import type { UserView } from '../../src/modules/users/index.js';
import { UsersService } from '../../src/modules/users/index.js';
import type { TestApp } from './app.js';

/** Somebody signed in. Paths are under `/api/v1`; each request carries the access token. */
export interface Client {
  readonly user: UserView;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly refreshToken: string;
  get(path: string): Test;
  post(path: string): Test;
  put(path: string): Test;
  patch(path: string): Test;
  delete(path: string): Test;
}

export interface Account {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

/** An account that no other test uses. */
export function newAccount(given: Partial<Account> = {}): Account {
  const unique = randomBytes(6).toString('hex');
  return { email: `ada.${unique}@example.org`, password: `correct horse ${unique}`, name: 'Ada Lovelace', ...given };
}

/** A new user, signed in with the refresh token in the body. */
export async function signUp({ url }: Pick<TestApp, 'url'>, given: Partial<Account> = {}): Promise<Client> {
  const account = newAccount(given);
  const answer = await request(url)
    .post('/api/v1/auth/register')
    .send({ ...account, refreshIn: 'body' });
  return client(url, account, answer.status === 201, answer.body as Tokens);
}

/** Another session of a user who exists. */
export async function signIn(
  { url }: Pick<TestApp, 'url'>,
  account: Pick<Account, 'email' | 'password'>,
): Promise<Client> {
  const { email, password } = account;
  const answer = await request(url).post('/api/v1/auth/login').send({ email, password, refreshIn: 'body' });
  return client(url, account, answer.status === 200, answer.body as Tokens);
}

/** A new user who was made an admin, signed in as one. */
export async function signUpAdmin(
  running: Pick<TestApp, 'url' | 'app'>,
  given: Partial<Account> = {},
): Promise<Client> {
  const user = await signUp(running, given);
  await running.app.get(UsersService).changeByAdmin(user.user.id, { role: 'admin' }, { id: 'test' });
  return signIn(running, user);
}

interface Tokens {
  readonly user: UserView;
  readonly accessToken: string;
  readonly refreshToken: string;
}

function client(url: string, account: Pick<Account, 'email' | 'password'>, succeeded: boolean, tokens: Tokens): Client {
  if (!succeeded) throw new Error(`signing in failed: ${JSON.stringify(tokens)}`);
  const { user, accessToken: token, refreshToken } = tokens;
  const send =
    (method: 'get' | 'post' | 'put' | 'patch' | 'delete') =>
    (path: string): Test =>
      request(url)[method](`/api/v1${path}`).set('authorization', `Bearer ${token}`);
  return {
    user,
    token,
    refreshToken,
    email: account.email,
    password: account.password,
    get: send('get'),
    post: send('post'),
    put: send('put'),
    patch: send('patch'),
    delete: send('delete'),
  };
}
