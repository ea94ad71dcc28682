import { DeadLetters } from '../../src/core/events/dead-letters.js';
import { EventHandlers } from '../../src/core/events/event-handlers.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, signUpAdmin, type Client } from '../support/clients.js';
import { expectProblem } from '../support/problems.js';

let app: TestApp;
let admin: Client;
/** What the group does with an event. */
let handle: jest.Mock<Promise<void>, [{ id: string; facts: object }]>;

beforeAll(async () => {
  app = await startTestApp();
  admin = await signUpAdmin(app);
  for (const one of app.apps)
    one.get(EventHandlers, { strict: false }).add({
      group: 'postmen',
      module: 'admin',
      names: ['test.happened'],
      handle: (event) => handle(event),
    });
});
afterAll(() => app.close());
beforeEach(() => {
  handle = jest.fn().mockResolvedValue(undefined);
});

/** Given up by the group. @returns its path */
async function aLetter(id: string, error = 'no such house'): Promise<string> {
  const payload = { id, name: 'test.happened', facts: { private: 'Zebra' } };
  const letter = { id, kind: 'event', group: 'postmen', name: 'test.happened', owner: admin.user.id } as const;
  await app.app.get(DeadLetters).add({ ...letter, payload, error, attempts: 10 });
  return `/admin/dead-letters/postmen.${id}`;
}

interface Letter {
  readonly id: string;
  readonly error: string;
  readonly attempts: number;
}
const all = async (): Promise<Letter[]> =>
  ((await admin.get('/admin/dead-letters?limit=100').expect(200)).body as { items: Letter[] }).items;
const find = async (id: string): Promise<Letter | undefined> =>
  (await all()).find((letter) => letter.id === `postmen.${id}`);
const audited = async (target: string): Promise<object[]> => {
  const { body } = await admin.get('/admin/audit?limit=100').expect(200);
  return (body as { items: { target: { id: string } }[] }).items.filter((entry) => entry.target.id === target);
};

describe('GET /admin/dead-letters', () => {
  it('lists what was given up, why and how often it was tried, and not what is inside', async () => {
    await aLetter('listed');
    const answer = await admin.get('/admin/dead-letters?limit=1').expect(200);
    expect((answer.body as { items: object[] }).items).toEqual([
      {
        id: 'postmen.listed',
        kind: 'event',
        group: 'postmen',
        name: 'test.happened',
        owner: admin.user.id,
        error: 'no such house',
        attempts: 10,
        at: expect.stringMatching(/Z$/),
      },
    ]);
    expect(answer.text).not.toContain('Zebra');
  });

  it('shows no address and no credentials that the reason repeats', async () => {
    await aLetter('told', '550 <zebra@example.org> unknown, smtp://post:Zebra-key@mail:587');
    expect((await find('told'))!.error).toBe('550 <[redacted]> unknown, smtp://[redacted]@mail:587');
  });

  it('pages from the newest to the oldest without losing or repeating one', async () => {
    for (let n = 0; n < 7; n++) await aLetter(`page-${n}`);
    const paged: Letter[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await admin.get(`/admin/dead-letters?limit=3${cursor && `&cursor=${cursor}`}`).expect(200);
      paged.push(...(body.items as Letter[]));
      cursor = body.nextCursor as string | null;
    }
    expect(paged).toEqual(await all());
    const own = paged.map(({ id }) => id).filter((id) => id.startsWith('postmen.page-'));
    expect(own).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => `postmen.page-${n}`));
  });

  it('refuses the cursor of another admin', async () => {
    for (let n = 0; n < 2; n++) await aLetter(`cursor-${n}`);
    const { nextCursor } = (await admin.get('/admin/dead-letters?limit=1').expect(200)).body as { nextCursor: string };
    const other = await signUpAdmin(app);
    expectProblem(await other.get(`/admin/dead-letters?limit=1&cursor=${nextCursor}`), 422, 'cursor.invalid');
  });
});

describe('POST /admin/dead-letters/:id/retry', () => {
  it('answers 204 when it succeeds; it is no dead letter any more', async () => {
    const answer = await admin.post(`${await aLetter('good')}/retry`);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expect(handle).toHaveBeenCalledTimes(1);
    expect(handle.mock.calls[0]![0]).toMatchObject({ id: 'good', facts: { private: 'Zebra' } });
    expect(await find('good')).toBeUndefined();
  });

  it('answers 409 dead_letter.failed_again when it fails; it stays, with the new reason', async () => {
    handle.mockRejectedValueOnce(new Error('the house has burnt down'));
    const answer = await admin.post(`${await aLetter('bad')}/retry`);
    expectProblem(answer, 409, 'dead_letter.failed_again');
    expect(answer.text).not.toContain('burnt');
    expect(await find('bad')).toMatchObject({ error: 'the house has burnt down', attempts: 11 });
    await admin.post('/admin/dead-letters/postmen.bad/retry').expect(204);
  });

  it('is in the audit log, also when it fails', async () => {
    const path = await aLetter('watched');
    handle.mockRejectedValueOnce(new Error('no'));
    await admin.post(`${path}/retry`).expect(409);
    await admin.post(`${path}/retry`).expect(204);
    const entry = { action: 'dead_letter.retried', actor: { id: admin.user.id }, ip: '127.0.0.1', before: null };
    expect(await audited('postmen.watched')).toEqual([expect.objectContaining(entry), expect.objectContaining(entry)]);
  });
});

describe('DELETE /admin/dead-letters/:id', () => {
  it('answers 204 and drops it, without trying it', async () => {
    await admin.delete(await aLetter('useless')).expect(204);
    expect(await find('useless')).toBeUndefined();
    expect(handle).not.toHaveBeenCalled();
    expect(await audited('postmen.useless')).toEqual([expect.objectContaining({ action: 'dead_letter.dropped' })]);
  });
});

describe.each([
  ['GET /admin/dead-letters', 'get', '/admin/dead-letters'],
  ['POST /admin/dead-letters/:id/retry', 'post', '/admin/dead-letters/postmen.unknown/retry'],
  ['DELETE /admin/dead-letters/:id', 'delete', '/admin/dead-letters/postmen.unknown'],
] as const)('%s', (_what, method, path) => {
  it('is for admins', async () => {
    expectProblem(await app.http[method](`/api/v1${path}`), 401, 'auth.token_missing');
    expectProblem(await (await signUp(app))[method](path), 403, 'auth.forbidden');
  });
});

it.each([
  ['POST /admin/dead-letters/:id/retry', 'post', '/admin/dead-letters/postmen.unknown/retry'],
  ['DELETE /admin/dead-letters/:id', 'delete', '/admin/dead-letters/postmen.unknown'],
] as const)(
  '%s answers 404 dead_letter.not_found to an unknown id, which leaves no trace',
  async (_what, method, path) => {
    expectProblem(await admin[method](path), 404, 'dead_letter.not_found');
    expect(await audited('postmen.unknown')).toEqual([]);
  },
);
