import { isDeepStrictEqual } from 'node:util';
import type { Answer, Shot } from './load.js';
import type { BenchUser } from './world.js';

const headersOf = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A read that only has to succeed. @param path under `/api/v1` */
export const get = (path: string, user: BenchUser, token = user.token): Shot => ({
  method: 'GET',
  path: `/api/v1${path}`,
  headers: headersOf(token),
  verify: status(200),
});

/** A read that has to bring exactly these bytes. */
export const getExactly = (path: string, user: BenchUser, body: Buffer): Shot => ({
  ...get(path, user),
  verify: (answer) => status(200)(answer) ?? (answer.body.equals(body) ? undefined : 'other bytes than expected'),
});

/** A read that has to say the same; the order of the fields and the white space are the peer's. */
export const getEqual = (path: string, user: BenchUser, token: string, value: unknown): Shot => ({
  ...get(path, user, token),
  verify: (answer) =>
    status(200)(answer) ??
    (isDeepStrictEqual(JSON.parse(answer.body.toString()), value)
      ? undefined
      : `another answer: ${answer.body.toString()}`),
});

export const write = (
  method: 'POST' | 'PATCH',
  path: string,
  user: BenchUser,
  body: object,
  verify: Shot['verify'],
  headers: Record<string, string> = {},
): Shot => ({
  method,
  path: `/api/v1${path}`,
  headers: { ...headersOf(user.token), 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
  verify,
});

export const status =
  (expected: number) =>
  (answer: Answer): string | undefined =>
    answer.status === expected
      ? undefined
      : `${answer.status} instead of ${expected}: ${answer.body.toString().slice(0, 200)}`;
