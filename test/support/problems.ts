import type { Response } from 'supertest';

/** Asserts a whole problem (RFC 9457): media type, status, code and what goes with it; `errors` where given. */
export function expectProblem(answer: Response, status: number, code: string, errors?: readonly object[]): void {
  expect({ status: answer.status, code: (answer.body as { code?: unknown }).code }).toEqual({ status, code });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    status,
    code,
    type: expect.stringMatching(new RegExp(`#${code.replace('.', '\\.')}$`)),
    title: expect.any(String),
    detail: expect.any(String),
    requestId: answer.headers['x-request-id'],
  });
  if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  if (status === 429 || status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  if (errors)
    expect((answer.body as { errors: unknown }).errors).toEqual(errors.map((error) => expect.objectContaining(error)));
}
