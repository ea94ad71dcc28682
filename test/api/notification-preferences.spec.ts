import mongoose, { type Connection } from 'mongoose';
import { UnsubscribeLinks } from '../../src/modules/notifications/unsubscribe-links.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { startPushService, type PushService } from '../support/push-service.js';

let app: TestApp;
let pushes: PushService;
let connection: Connection;
let ada: Client;
beforeAll(async () => {
  pushes = await startPushService();
  app = await startTestApp({ VAPID_PRIVATE_KEY: Buffer.alloc(32, 9).toString('base64url') });
  connection = await mongoose.createConnection(app.mongoUri).asPromise();
});
afterAll(async () => {
  await connection.close();
  await app.close();
  await pushes.close();
});
beforeEach(async () => {
  ada = await signUp(app);
});

const ALL = { deadline_approaching: true, overdue: true };
const preferences = async (): Promise<unknown> => (await ada.get('/notifications/preferences').expect(200)).body;

describe('GET /notifications/preferences', () => {
  it('is everything for who has set nothing', async () => {
    expect(await preferences()).toEqual({
      channels: { inApp: ALL, email: ALL, push: ALL },
      quietHours: null,
      reminders: [{ minutesBefore: 1440 }, { minutesBefore: 60 }],
    });
  });
});

describe('PATCH /notifications/preferences', () => {
  const change = (body: object) => ada.patch('/notifications/preferences').send(body);

  it('changes what is given and answers with all of it', async () => {
    const quietHours = { start: '22:00', end: '07:00' };
    const { body } = await change({ channels: { email: { overdue: false } }, quietHours }).expect(200);
    await change({ reminders: [{ minutesBefore: 5 }] }).expect(200);
    expect(body).toMatchObject({ channels: { email: { deadline_approaching: true, overdue: false } }, quietHours });
    expect(await preferences()).toEqual({ ...body, reminders: [{ minutesBefore: 5 }] });
    await change({ quietHours: null, reminders: null }).expect(200);
    expect(await preferences()).toEqual({
      ...body,
      quietHours: null,
      reminders: [{ minutesBefore: 1440 }, { minutesBefore: 60 }],
    });
  });

  it('keeps all changes that come at the same time', async () => {
    const bodies = [
      { channels: { email: { overdue: false } } },
      { channels: { push: { overdue: false } } },
      { channels: { inApp: { overdue: false } } },
    ];
    for (const answer of await Promise.all(bodies.map((body) => change(body)))) expect(answer.status).toBe(200);
    const off = { deadline_approaching: true, overdue: false };
    expect(await preferences()).toMatchObject({ channels: { inApp: off, email: off, push: off } });
  });

  it('tells the schedule when the reminders are others, and only then', async () => {
    const told = (): Promise<number> =>
      connection.collection('events').countDocuments({ owner: ada.user.id, name: 'notifications.reminders_changed' });
    await change({
      channels: { push: { overdue: false } },
      reminders: [{ minutesBefore: 1440 }, { minutesBefore: 60 }],
    });
    await change({ reminders: [] }).expect(200);
    await eventually(async () => expect(await told()).toBe(1));
    await change({ quietHours: { start: '22:00', end: '07:00' } }).expect(200);
    await change({ reminders: [{ minutesBefore: 1 }] }).expect(200);
    await eventually(async () => expect(await told()).toBe(2));
  });

  it.each([
    [{ channels: { sms: { overdue: true } } }, '/channels/sms'],
    [{ channels: { email: { weekly: true } } }, '/channels/email/weekly'],
    [{ channels: { email: { overdue: 'yes' } } }, '/channels/email/overdue'],
    [{ channels: { email: null } }, '/channels/email'],
    [{ channels: null }, '/channels'],
    [{ quietHours: { start: '22:00' } }, '/quietHours'],
    [{ quietHours: { start: '24:00', end: '07:00' } }, '/quietHours'],
    [{ quietHours: { start: '07:00', end: '07:00' } }, '/quietHours'],
    [{ quietHours: { start: '22:00', end: '07:00', zone: 'UTC' } }, '/quietHours'],
    [{ quietHours: 'night' }, '/quietHours'],
    [{ reminders: [{ minutesBefore: -1 }] }, '/reminders'],
    [{ sound: 'bell' }, '/sound'],
  ])('refuses %j', async (body, pointer) => expectProblem(await change(body), 422, 'input.invalid', [{ pointer }]));
});

describe('POST /notifications/push-subscriptions', () => {
  it('answers with an id, the same for the same browser', async () => {
    const browser = { ...pushes.subscribe('/a'), expirationTime: null };
    const first = await ada.post('/notifications/push-subscriptions').send(browser).expect(201);
    const again = await ada.post('/notifications/push-subscriptions').send(browser).expect(201);
    expect(first.body).toEqual({ id: expect.stringMatching(/^[\w-]{32}$/), createdAt: expect.any(String) });
    expect((again.body as { id: string }).id).toBe((first.body as { id: string }).id);
    expect(await connection.collection('push_subscriptions').countDocuments({ owner: ada.user.id })).toBe(1);
  });

  it('gives the browser to who is signed in there now', async () => {
    const bob = await signUp(app);
    const browser = pushes.subscribe('/shared');
    for (const client of [ada, bob]) await client.post('/notifications/push-subscriptions').send(browser).expect(201);
    const found = await connection.collection('push_subscriptions').find({ endpoint: browser.endpoint }).toArray();
    expect(found.map(({ owner }) => owner as string)).toEqual([bob.user.id]);
  });

  it('keeps the last twenty', async () => {
    for (let n = 0; n < 22; n++)
      await ada
        .post('/notifications/push-subscriptions')
        .send(pushes.subscribe(`/many/${n}`))
        .expect(201);
    const found = await connection.collection('push_subscriptions').find({ owner: ada.user.id }).toArray();
    expect(found.map(({ endpoint }) => new URL(endpoint as string).pathname).toSorted()).toEqual(
      Array.from({ length: 20 }, (_none, n) => `/many/${n + 2}`).toSorted(),
    );
  });

  it.each([
    ['no endpoint', { endpoint: undefined }, '/endpoint'],
    ['no address', { endpoint: 'browser' }, '/endpoint'],
    ['another protocol', { endpoint: 'file:///etc/passwd' }, '/endpoint'],
    ['no keys', { keys: undefined }, '/keys'],
    [
      'a key of another curve',
      { keys: { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: 'x'.repeat(22) } },
      '/keys/p256dh',
    ],
    ['a short secret', { keys: { p256dh: '', auth: 'short' } }, '/keys/p256dh'],
  ])('refuses %s', async (_what, wrong, pointer) => {
    const answer = await ada.post('/notifications/push-subscriptions').send({ ...pushes.subscribe('/x'), ...wrong });
    expectProblem(answer, 422, 'input.invalid');
    expect((answer.body as { errors: { pointer: string }[] }).errors.map((error) => error.pointer)).toContain(pointer);
  });

  it('takes only public https addresses in production', async () => {
    const production = await startTestApp({
      NODE_ENV: 'production',
      MONGODB_URI: app.mongoUri,
      SECRET_KEY: 'kX2vQ9mT4rZ7wB1nL6pD3sF8hJ5gC0yA',
      VAPID_PRIVATE_KEY: Buffer.alloc(32, 9).toString('base64url'),
    });
    try {
      const bob = await signUp(production);
      const { keys } = pushes.subscribe('/y');
      const subscribe = (endpoint: string) => bob.post('/notifications/push-subscriptions').send({ endpoint, keys });
      for (const endpoint of [
        'http://push.example.net/a',
        'https://127.0.0.1/a',
        'https://169.254.169.254/latest',
        'https://[::1]/a',
        'https://10.0.0.1:8443/a',
        'https://user@push.example.net/a',
      ])
        expectProblem(await subscribe(endpoint), 422, 'input.invalid', [
          { pointer: '/endpoint', code: 'push_endpoint' },
        ]);
      await subscribe('https://push.example.net/a').expect(201);
    } finally {
      await production.close();
    }
  });
});

describe('DELETE /notifications/push-subscriptions/:id', () => {
  it('ends one’s own, and is 404 for any other', async () => {
    const bob = await signUp(app);
    const { body } = await ada.post('/notifications/push-subscriptions').send(pushes.subscribe('/mine')).expect(201);
    const path = `/notifications/push-subscriptions/${(body as { id: string }).id}`;
    expectProblem(await bob.delete(path), 404, 'push.subscription_not_found');
    await ada.delete(path).expect(204);
    expectProblem(await ada.delete(path), 404, 'push.subscription_not_found');
  });
});

describe('Without a VAPID key', () => {
  it('there are no pushes', async () => {
    const without = await startTestApp({ MONGODB_URI: app.mongoUri });
    try {
      const bob = await signUp(without);
      expectProblem(await bob.get('/notifications/push-key'), 404, 'push.unavailable');
      const answer = await bob.post('/notifications/push-subscriptions').send(pushes.subscribe('/z'));
      expectProblem(answer, 404, 'push.unavailable');
    } finally {
      await without.close();
    }
  });
});

describe('The link to unsubscribe by', () => {
  const pathFor = (client: Client): string => {
    const url = app.app.get(UnsubscribeLinks, { strict: false }).urlFor(client.user.id, 'overdue');
    return url.slice(url.indexOf('/api/'));
  };
  const emails = async (): Promise<unknown> =>
    ((await preferences()) as { channels: { email: unknown } }).channels.email;

  it('asks who opens it, and changes nothing', async () => {
    const answer = await app.http.get(pathFor(ada)).expect(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.text).toContain('<form method="post">');
    expect(await emails()).toEqual(ALL);
  });

  it.each([
    ['application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ],
  ])('ends these e-mails, and no others, in one click as %s', async (type, body) => {
    for (let twice = 0; twice < 2; twice++)
      await app.http.post(pathFor(ada)).set('content-type', type).send(body).expect(200);
    expect(await emails()).toEqual({ deadline_approaching: true, overdue: false });
  });

  it('is good for its owner and kind only', async () => {
    const [owner, kind, mac] = new URL(pathFor(ada), 'http://x').searchParams.get('token')!.split('.');
    const bob = await signUp(app);
    for (const token of [
      `${bob.user.id}.${kind}.${mac}`,
      `${owner}.deadline_approaching.${mac}`,
      `${owner}.${kind}.${mac!.slice(1)}x`,
      'x',
    ])
      expectProblem(
        await app.http.post(`/api/v1/notifications/unsubscribe?token=${token}`),
        404,
        'notification.link_invalid',
      );
    expectProblem(await app.http.get('/api/v1/notifications/unsubscribe'), 422, 'input.invalid');
    expect(await emails()).toEqual(ALL);
  });

  it('is the only place that takes a form', async () => {
    const form = () => ada.post('/tasks').set('content-type', 'application/x-www-form-urlencoded').send('title=a');
    expectProblem(await form(), 415, 'request.unsupported_media_type');
  });
});

it.each([
  ['get', '/notifications/preferences'],
  ['patch', '/notifications/preferences'],
  ['get', '/notifications/push-key'],
  ['post', '/notifications/push-subscriptions'],
  ['delete', '/notifications/push-subscriptions/x'],
] as const)('%s %s wants a signed-in user', async (method, path) =>
  expectProblem(await app.http[method](`/api/v1${path}`), 401, 'auth.token_missing'),
);
