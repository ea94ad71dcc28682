import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { v7 as uuidv7 } from 'uuid';
import { NOTIFICATION_MODEL, type NotificationDocument } from '../../src/modules/notifications/notification.schema.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { expectProblem } from '../support/problems.js';

let app: TestApp;
let ada: Client;
let model: Model<NotificationDocument>;
beforeAll(async () => {
  app = await startTestApp();
  model = app.app.get<Model<NotificationDocument>>(getModelToken(NOTIFICATION_MODEL), { strict: false });
});
afterAll(() => app.close());
beforeEach(async () => {
  ada = await signUp(app);
});

const DUE = new Date('2026-12-24T17:00:00.000Z');

/** Stores what an event would have left, `n` seconds after the first. */
async function notified({ user }: Client, n = 0, given: Partial<NotificationDocument> = {}): Promise<string> {
  const createdAt = new Date(Date.UTC(2026, 10, 21, 10, 0, n));
  const { _id } = await model.create({
    _id: uuidv7(),
    owner: user.id,
    kind: 'deadline_approaching',
    task: { id: '6b0216f324c3e0ab15fce8d7', title: `Task ${n}`, dueAt: DUE },
    minutesBefore: 60,
    createdAt,
    shownAt: createdAt,
    unread: true,
    readAt: null,
    expireAt: new Date(createdAt.getTime() + 90 * 24 * 60 * 60 * 1000),
    ...given,
  });
  return _id;
}

interface Page {
  readonly items: { readonly id: string; readonly readAt: string | null }[];
  readonly nextCursor: string | null;
}
const page = async (query = ''): Promise<Page> => (await ada.get(`/notifications${query}`).expect(200)).body as Page;
const idsOf = ({ items }: Page): string[] => items.map(({ id }) => id);
const unreadCount = async (): Promise<unknown> => (await ada.get('/notifications/unread-count').expect(200)).body;

describe('GET /notifications', () => {
  it('has the task as it was, and when it was read', async () => {
    const id = await notified(ada);
    expect(await page()).toEqual({
      items: [
        {
          id,
          kind: 'deadline_approaching',
          task: { id: '6b0216f324c3e0ab15fce8d7', title: 'Task 0', dueAt: '2026-12-24T17:00:00.000Z' },
          minutesBefore: 60,
          createdAt: '2026-11-21T10:00:00.000Z',
          readAt: null,
        },
      ],
      nextCursor: null,
    });
  });

  it('pages through all of them once, the newest first, also those of one instant', async () => {
    const ids: string[] = [];
    for (const n of [0, 1, 1, 1, 2, 3]) ids.unshift(await notified(ada, n));
    const seen: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 10; pages++) {
      const answer = await ada.get(`/notifications?limit=2${cursor && `&cursor=${cursor}`}`).expect(200);
      const { nextCursor } = answer.body as Page;
      seen.push(...idsOf(answer.body as Page));
      if (nextCursor === null) break;
      expect(answer.headers['link']).toBe(`</api/v1/notifications?limit=2&cursor=${nextCursor}>; rel="next"`);
      cursor = nextCursor;
    }
    expect(seen).toEqual(ids);
  });

  it('with unread=true has only what was not read', async () => {
    const [first, second] = [await notified(ada, 1), await notified(ada, 2)];
    await ada.post(`/notifications/${second}/read`).expect(204);
    expect(idsOf(await page('?unread=true'))).toEqual([first]);
    expect(idsOf(await page('?unread=false'))).toEqual([second, first]);
  });

  it('has nothing of anybody else, and nothing that is for other channels only', async () => {
    await notified(await signUp(app));
    await notified(ada, 0, { shownAt: undefined, unread: undefined });
    expect(await page()).toEqual({ items: [], nextCursor: null });
    expect(await unreadCount()).toEqual({ count: 0 });
  });

  it.each([
    ['?limit=0', 'input.invalid'],
    ['?limit=101', 'input.invalid'],
    ['?unread=maybe', 'input.invalid'],
    ['?kind=overdue', 'input.invalid'],
    ['?cursor=AAAA', 'cursor.invalid'],
  ])('refuses %s', async (query, code) => expectProblem(await ada.get(`/notifications${query}`), 422, code));

  it('refuses the cursor of another list', async () => {
    await notified(ada, 1);
    await notified(ada, 2);
    const { nextCursor } = await page('?limit=1');
    expectProblem(await ada.get(`/notifications?limit=1&unread=true&cursor=${nextCursor}`), 422, 'cursor.invalid');
    const bob = await signUp(app);
    expectProblem(await bob.get(`/notifications?limit=1&cursor=${nextCursor}`), 422, 'cursor.invalid');
  });
});

describe('POST /notifications/:id/read', () => {
  it('marks one as read, the first time counts', async () => {
    const id = await notified(ada);
    await notified(ada, 1);
    expect(await unreadCount()).toEqual({ count: 2 });
    await ada.post(`/notifications/${id}/read`).expect(204);
    const { readAt } = (await page()).items[1]!;
    expect(Date.parse(readAt!)).toBeGreaterThan(Date.now() - 60_000);
    await ada.post(`/notifications/${id}/read`).expect(204);
    expect((await page()).items[1]!.readAt).toBe(readAt);
    expect(await unreadCount()).toEqual({ count: 1 });
  });

  it('is 404 for what is nowhere, and the same for somebody else’s', async () => {
    const bob = await signUp(app);
    const id = await notified(bob);
    for (const path of [id, uuidv7(), 'x', '%24ne'])
      expectProblem(await ada.post(`/notifications/${path}/read`), 404, 'notification.not_found');
    expect(((await bob.get('/notifications')).body as Page).items[0]!.readAt).toBeNull();
  });
});

describe('POST /notifications/read-all', () => {
  it('marks one’s own as read, and nobody else’s', async () => {
    const bob = await signUp(app);
    for (const client of [ada, ada, bob]) await notified(client);
    await ada.post('/notifications/read-all').expect(204);
    expect(await unreadCount()).toEqual({ count: 0 });
    expect((await bob.get('/notifications/unread-count')).body).toEqual({ count: 1 });
  });
});

it.each([
  ['get', '/notifications'],
  ['get', '/notifications/unread-count'],
  ['post', '/notifications/x/read'],
  ['post', '/notifications/read-all'],
] as const)('%s %s wants a signed-in user', async (method, path) =>
  expectProblem(await app.http[method](`/api/v1${path}`), 401, 'auth.token_missing'),
);
