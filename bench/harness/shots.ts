import { isDeepStrictEqual } from 'node:util';
import type { PreparedAnswer } from '../peers/settings.js';
import type { Answer, Shot } from './client.js';
import type { BenchUser } from './world.js';

const API = '/api/v1';
const authorization = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A read that only has to succeed. @param path under `/api/v1` */
export const get = (path: string, user: BenchUser, token = user.token): Shot => ({
  method: 'GET',
  path: `${API}${path}`,
  headers: authorization(token),
  verify: status(200),
});

/** A read that has to bring exactly these bytes. */
export const getExactly = (path: string, user: BenchUser, body: Buffer): Shot => ({
  ...get(path, user),
  verify: (answer) => status(200)(answer) ?? (answer.body.equals(body) ? undefined : 'other bytes than expected'),
});

/** A read that has to say the same; the order of the fields and the white space are the peer's. */
export const getEqual = (path: string, user: BenchUser, value: unknown): Shot => ({
  ...get(path, user, user.hmacToken),
  verify: (answer) =>
    status(200)(answer) ??
    (isDeepStrictEqual(JSON.parse(answer.body.toString()), value)
      ? undefined
      : `another answer: ${answer.body.toString()}`),
});

/** A read by somebody who has the answer already. */
export const getUnchanged = (path: string, user: BenchUser, { tag }: PreparedAnswer): Shot => {
  const shot = get(path, user);
  return {
    ...shot,
    headers: { ...shot.headers, 'if-none-match': tag },
    verify: (answer) => status(304)(answer) ?? (answer.header('etag') === tag ? undefined : 'another ETag'),
  };
};

/** A request with a body. Without a user nobody is signed in. */
export const write = (
  method: 'POST' | 'PATCH',
  path: string,
  token: string | undefined,
  body: object,
  verify: Shot['verify'],
  headers: Record<string, string> = {},
): Shot => ({
  method,
  path: `${API}${path}`,
  headers: { ...(token && authorization(token)), 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
  verify,
});

export const remove = (path: string, token: string): Shot => ({
  method: 'DELETE',
  path: `${API}${path}`,
  headers: authorization(token),
  verify: status(204),
});

export const status =
  (expected: number) =>
  (answer: Answer): string | undefined =>
    answer.status === expected
      ? undefined
      : `${answer.status} instead of ${expected}: ${answer.body.toString().slice(0, 200)}`;

/** The status, and something that only the right answer has in it. */
export const containing =
  (expected: number, text: string) =>
  (answer: Answer): string | undefined =>
    status(expected)(answer) ?? (answer.body.includes(text) ? undefined : `without ${text}`);
