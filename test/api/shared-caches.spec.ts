import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { createECDH, randomBytes, randomUUID } from 'node:crypto';
import type { Response, Test } from 'supertest';
import { NOTIFICATION_MODEL, type NotificationDocument } from '../../src/modules/notifications/notification.schema.js';
import { DeadLetters } from '../../src/core/events/dead-letters.js';
import { EventHandlers } from '../../src/core/events/event-handlers.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { MailedTokensOf } from '../support/mailed-tokens.js';
import { expectProblem } from '../support/problems.js';
import { aTask } from '../support/tasks.js';

interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly id: string;
  readonly isPublic: boolean;
}

let app: TestApp;
let ada: Client;
let admin: Client;
let operations: Operation[];
let mailed: MailedTokensOf;

beforeAll(async () => {
  app = await startTestApp({ VAPID_PRIVATE_KEY: Buffer.alloc(32, 9).toString('base64url') });
  mailed = new MailedTokensOf(app);
  [ada, admin] = [await signUp(app), await signUpAdmin(app)];
  const { body } = await app.http.get('/api/openapi.json').expect(200);
  const { paths } = body as { paths: Record<string, Record<string, { operationId: string; security?: object[] }>> };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security }]) => ({
      method: method as Operation['method'],
      path,
      id: operationId,
      isPublic: security === undefined,
    })),
  );
});
afterAll(() => app.close());

/** A request to each operation that succeeds. */
const requests: Record<string, () => PromiseLike<Response>> = {
  'health.overall': () => app.http.get('/api/health'),
  'health.live': () => app.http.get('/api/health/live'),
  'health.ready': () => app.http.get('/api/health/ready'),
  'users.me': () => ada.get('/users/me'),
  'users.update': () => ada.patch('/users/me').send({ name: 'Ada' }),
  'account.delete': async () => {
    const bob = await signUp(app);
    return bob.delete('/users/me').send({ password: bob.password });
  },
  'tasks.create': () => ada.post('/tasks').send({ title: 'a' }),
  'tasks.list': () => ada.get('/tasks'),
  'tasks.stats': () => ada.get('/tasks/stats'),
  'tasks.get': () => onTask('get'),
  'tasks.update': () => onTask('patch', { title: 'b' }),
  'tasks.replace': () => onTask('put', { title: 'b' }),
  'tasks.delete': () => onTask('delete'),
  'tasks.restore': async () => {
    const { id } = await aTask(ada);
    await ada.delete(`/tasks/${id}`).expect(204);
    return ada.post(`/tasks/${id}/restore`);
  },
  'taskBulk.run': () => ada.post('/tasks/bulk').send({ operations: [{ op: 'create', task: { title: 'a' } }] }),
  'auth.register': () => app.http.post('/api/v1/auth/register').send(newAccount()),
  'auth.login': () => app.http.post('/api/v1/auth/login').send({ email: ada.email, password: ada.password }),
  'auth.refresh': async () => {
    const { refreshToken } = await signIn(app, ada);
    return app.http.post('/api/v1/auth/refresh').send({ refreshToken });
  },
  'auth.logout': async () => (await signIn(app, ada)).post('/auth/logout'),
  'auth.logoutAll': async () => (await signUp(app)).post('/auth/logout-all'),
  'auth.changePassword': async () => {
    const bob = await signUp(app);
    const change = { currentPassword: bob.password, newPassword: `${bob.password} again` };
    return bob.post('/auth/change-password').send(change);
  },
  'accountMail.forgotPassword': () => app.http.post('/api/v1/auth/forgot-password').send({ email: ada.email }),
  'accountMail.resetPassword': async () => {
    const bob = await signUp(app);
    await app.http.post('/api/v1/auth/forgot-password').send({ email: bob.email });
    const [token] = await mailed.first(1, bob.user.id, 'reset_password');
    return app.http.post('/api/v1/auth/reset-password').send({ token, newPassword: `${bob.password} again` });
  },
  'accountMail.verifyEmail': async () => {
    const bob = await signUp(app);
    const [token] = await mailed.first(1, bob.user.id, 'verify_email');
    return app.http.post('/api/v1/auth/verify-email').send({ token });
  },
  'accountMail.resendVerification': () => ada.post('/auth/resend-verification'),
  'sessions.list': () => ada.get('/auth/sessions'),
  'sessions.end': async () => {
    const { body } = await (await signIn(app, ada)).get('/auth/sessions');
    const other = (body as { items: { id: string; current: boolean }[] }).items.find(({ current }) => current);
    return ada.delete(`/auth/sessions/${other!.id}`);
  },
  'jwks.keys': () => app.http.get('/api/v1/auth/.well-known/jwks.json'),
  'notifications.list': () => ada.get('/notifications'),
  'notifications.unreadCount': () => ada.get('/notifications/unread-count'),
  'notifications.read': async () => {
    const model = app.app.get<Model<NotificationDocument>>(getModelToken(NOTIFICATION_MODEL), { strict: false });
    const now = new Date();
    const { _id } = await model.create({
      _id: randomUUID(),
      owner: ada.user.id,
      kind: 'overdue',
      task: { id: '6b0216f324c3e0ab15fce8d7', title: 'A task', dueAt: now },
      minutesBefore: null,
      createdAt: now,
      shownAt: now,
      unread: true,
      readAt: null,
      expireAt: new Date(now.getTime() + 60_000),
    });
    return ada.post(`/notifications/${_id}/read`);
  },
  'notifications.readAll': () => ada.post('/notifications/read-all'),
  'preferences.get': () => ada.get('/notifications/preferences'),
  'preferences.change': () => ada.patch('/notifications/preferences').send({ quietHours: null }),
  'push.key': () => ada.get('/notifications/push-key'),
  'push.subscribe': () => subscribe(),
  'push.unsubscribe': async () => {
    const { body } = await subscribe();
    return ada.delete(`/notifications/push-subscriptions/${(body as { id: string }).id}`);
  },
  // Of GET it would not end.
  'events.stream': () => app.http.head('/api/v1/events').set('authorization', `Bearer ${ada.token}`),
  'admin.stats': () => admin.get('/admin/stats'),
  'admin.listUsers': () => admin.get('/admin/users'),
  'admin.getUser': () => admin.get(`/admin/users/${ada.user.id}`),
  'admin.changeUser': async () => admin.patch(`/admin/users/${(await signUp(app)).user.id}`).send({ role: 'admin' }),
  'admin.revokeSessions': async () => admin.post(`/admin/users/${(await signUp(app)).user.id}/revoke-sessions`),
  'admin.listAudit': () => admin.get('/admin/audit'),
  'deadLetters.list': () => admin.get('/admin/dead-letters'),
  'deadLetters.retry': async () => admin.post(`/admin/dead-letters/${await aDeadLetter()}/retry`),
  'deadLetters.drop': async () => admin.delete(`/admin/dead-letters/${await aDeadLetter()}`),
};

/** For a group that takes everything. */
async function aDeadLetter(): Promise<string> {
  const group = `taker-${String.fromCodePoint(97 + letters++)}`;
  for (const one of app.apps)
    one
      .get(EventHandlers, { strict: false })
      .add({ group, module: 'admin', names: ['test.happened'], handle: () => Promise.resolve() });
  const letter = { id: 'x', kind: 'event', group, name: 'test.happened', owner: ada.user.id } as const;
  await app.app.get(DeadLetters).add({ ...letter, payload: { name: 'test.happened' }, error: 'no', attempts: 1 });
  return `${group}.x`;
}
let letters = 0;

const subscribe = (): Test => {
  const keys = {
    p256dh: createECDH('prime256v1').generateKeys('base64url'),
    auth: randomBytes(16).toString('base64url'),
  };
  return ada.post('/notifications/push-subscriptions').send({ endpoint: 'https://push.example.com/ada', keys });
};

async function onTask(method: 'get' | 'patch' | 'put' | 'delete', body?: object): Promise<Response> {
  const request: Test = ada[method](`/tasks/${(await aTask(ada)).id}`);
  return body ? request.send(body) : request;
}

/** Of the contract: tokens are in no cache, keys in every one; all else is for the one who asked. */
const EXPECTED: Readonly<Record<string, string>> = {
  'auth.register': 'no-store',
  'auth.login': 'no-store',
  'auth.refresh': 'no-store',
  'jwks.keys': 'public, max-age=300',
  'events.stream': 'no-store',
};
const PRIVATE = 'private, no-cache';

describe('A shared cache', () => {
  it('may keep of all operations the public keys alone', async () => {
    const kept: Record<string, unknown> = {};
    for (const { id } of operations) {
      const { status, headers } = await requests[id]!();
      expect([id, status >= 200 && status < 300]).toEqual([id, true]);
      kept[id] = headers['cache-control'];
    }
    const expected = operations.map(({ id }) => [id, EXPECTED[id] ?? PRIVATE] as const);
    expect(kept).toEqual(Object.fromEntries(expected));
  });

  it('keeps no refusal, whatever was asked', async () => {
    for (const { method, path } of operations.filter(({ isPublic }) => !isPublic)) {
      const answer = await app.http[method](path.replace(/\{\w+\}/g, '0'.repeat(24)));
      expectProblem(answer, 401, 'auth.token_missing');
      expect([method, path, answer.headers['cache-control']]).toEqual([method, path, 'no-store']);
    }
  });

  it('can have a signed-in user’s answers checked by their tag', async () => {
    const isRead = ({ method, isPublic, id }: Operation): boolean =>
      method === 'get' && !isPublic && id !== 'events.stream';
    for (const { id } of operations.filter(isRead)) {
      const { headers } = await requests[id]!();
      expect([id, headers['etag']]).toEqual([id, expect.stringMatching(/^"[^"]+"$/)]);
    }
  });

  it.each([
    '/api/docs',
    '/api/docs/swagger-ui.css',
    '/api/docs/swagger-ui-bundle.js',
    '/api/docs/swagger-ui-init.js',
    '/api/docs/errors',
    '/api/openapi.json',
    '/api/openapi.yaml',
    '/.well-known/jwks.json',
  ])('may keep %s for five minutes: it is the same for everybody, and sets no cookie', async (path) => {
    const anybody = await app.http.get(path).expect(200);
    const somebody = await app.http.get(path).set('authorization', `Bearer ${ada.token}`).expect(200);
    for (const { headers, text } of [anybody, somebody]) {
      expect(headers['cache-control']).toBe('public, max-age=300');
      expect(headers['set-cookie']).toBeUndefined();
      expect(text).toBe(anybody.text);
    }
  });

  it('keeps no documentation that is not there, no metrics and no probe', async () => {
    for (const [path, value] of [
      ['/api/docs/nothing.js', 'no-store'],
      ['/metrics', PRIVATE],
      ['/api/health/ready', PRIVATE],
    ] as const) {
      expect([path, (await app.http.get(path)).headers['cache-control']]).toEqual([path, value]);
    }
  });
});
