import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeadLetters } from '../../src/core/events/dead-letters.js';
import { Metrics } from '../../src/core/metrics/metrics.js';
import { OneTimeTokens } from '../../src/core/security/one-time-tokens.js';
import { Clock } from '../../src/core/time/clock.js';
import * as delivery from '../../src/modules/notifications/delivery.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { happenings, type Happenings } from '../support/notifications.js';
import { startPushService, type PushService } from '../support/push-service.js';
import { aTask } from '../support/tasks.js';
import { received, startSmtpInbox, type ReceivedMail, type SmtpInbox } from '../support/smtp-inbox.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A P-256 key of this run only. */
const VAPID_PRIVATE_KEY = Buffer.alloc(32, 7).toString('base64url');

let inbox: SmtpInbox;
let pushes: PushService;
let app: TestApp;
let world: Happenings;
let ada: Client;
beforeAll(async () => {
  [inbox, pushes] = await Promise.all([startSmtpInbox(), startPushService()]);
  app = await startTestApp({
    SMTP_URL: inbox.url,
    MAIL_FROM: 'TaskFlow <hello@taskflow.example>',
    PUBLIC_URL: 'https://api.taskflow.example',
    APP_URL: 'https://taskflow.example',
    VAPID_PRIVATE_KEY,
    VAPID_SUBJECT: 'mailto:push@taskflow.example',
  });
  world = await happenings(app.mongoUri);
});
afterAll(async () => {
  await world.close();
  await app.close();
  await Promise.all([inbox.close(), pushes.close()]);
});
beforeEach(async () => {
  ada = await signUp(app);
  await world.verify(ada);
});
afterEach(() => {
  jest.restoreAllMocks();
  inbox.refuse(undefined);
});

const mailsTo = ({ email }: Client): ReceivedMail[] => inbox.mails.filter(({ to }) => to.includes(email));
/** Without the mail that confirms the address. */
const remindersTo = (client: Client): ReceivedMail[] =>
  mailsTo(client).filter((mail) => mail.header('List-Unsubscribe') !== undefined);
const one = async (client: Client): Promise<ReceivedMail> =>
  eventually(() => {
    expect(remindersTo(client)).toHaveLength(1);
    return remindersTo(client)[0]!;
  });
const stateOf = async (id: string, channel: 'email' | 'push'): Promise<string | undefined> =>
  (await world.stored(id))?.deliveries?.[channel]?.state;
const settled = (id: string, channel: 'email' | 'push', state: string, withinMs?: number): Promise<void> =>
  eventually(async () => expect(await stateOf(id, channel)).toBe(state), withinMs);
const subscribe = async (client: Client, path: string): Promise<string> => {
  const answer = await client.post('/notifications/push-subscriptions').send(pushes.subscribe(path)).expect(201);
  return (answer.body as { id: string }).id;
};
/** The sum over all processes. */
const metric = async (name: string, labels: Record<string, string>): Promise<number> => {
  const series = await Promise.all(app.apps.map((one) => one.get(Metrics).registry.getSingleMetric(name)!.get()));
  const wanted = series.flatMap(({ values }) => values).filter((one) => one.labels['channel'] === labels['channel']);
  return wanted.filter((one) => one.labels['result'] === labels['result']).reduce((sum, { value }) => sum + value, 0);
};
const attempts = (result: string): Promise<number> =>
  metric('taskflow_delivery_attempts_total', { channel: 'email', result });
const pushesTo = (path: string) => pushes.pushes.filter((push) => push.path === path);

describe('A deadline that approaches', () => {
  it('is told by e-mail, in the words and the time zone of the user, and in the app', async () => {
    await ada.patch('/users/me').send({ timeZone: 'America/New_York', locale: 'en-US' }).expect(200);
    const due = new Date('2036-12-24T17:00:00Z');
    const answer = await ada
      .post('/tasks')
      .send({ title: 'Wrap <b>& send</b>', dueAt: due, reminders: [] })
      .expect(201);
    const { id: taskId } = answer.body as { id: string };
    const facts = { taskId, dueDate: due.toISOString(), minutesBefore: 1440 };
    const id = await world.happen(ada, 'task.deadline.approaching', facts);
    const mail = await one(ada);
    expect(mail.to).toEqual([ada.email]);
    expect(mail.header('From')).toBe('TaskFlow <hello@taskflow.example>');
    expect(mail.header('Subject')).toBe('Due in 1 day: Wrap <b>& send</b>');
    expect(mail.header('Message-ID')).toBe(`<${id}.email@taskflow.example>`);
    expect(mail.header('Auto-Submitted')).toBe('auto-generated');
    expect(mail.part('text/plain')).toContain(
      '“Wrap <b>& send</b>” is due on Wednesday, December 24, 2036 at 12:00 PM (America/New_York).',
    );
    expect(mail.part('text/plain')).toContain(`https://taskflow.example/tasks/${taskId}`);
    expect(mail.part('text/html')).toContain('Wrap &lt;b&gt;&amp; send&lt;/b&gt;');
    expect(mail.part('text/html')).not.toContain('<b>');
    await settled(id, 'email', 'sent');
    const { items } = (await ada.get('/notifications').expect(200)).body as { items: { id: string }[] };
    expect(items.map((item) => item.id)).toEqual([id]);
  });

  it('is told once, however often the event comes', async () => {
    const id = await world.approach(ada);
    await settled(id, 'email', 'sent');
    const events = world.connection.collection<{ _id: string }>('events');
    const again = { $set: { to: ['notifications'], lookAt: new Date() }, $unset: { expireAt: 1 } };
    await events.updateOne({ _id: id }, again as never);
    await eventually(async () => expect((await events.findOne({ _id: id }))!).not.toHaveProperty('to'));
    expect(remindersTo(ada)).toHaveLength(1);
    expect(((await ada.get('/notifications')).body as { items: unknown[] }).items).toHaveLength(1);
  });

  it('is told by push to every browser, so that only this one can read it', async () => {
    await subscribe(ada, '/ada/laptop');
    await subscribe(ada, '/ada/phone');
    const id = await world.approach(ada, 'Água & <b>');
    await settled(id, 'push', 'sent');
    for (const path of ['/ada/laptop', '/ada/phone']) {
      const [push] = pushesTo(path);
      expect(push!.message).toMatchObject({
        id,
        kind: 'deadline_approaching',
        title: 'Due in 1 hour',
        body: 'Água & <b>',
      });
      expect(push!.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'high' });
      expect(push!.headers['topic']).toMatch(/^[\w-]{32}$/);
      expect(Number(push!.headers['ttl'])).toBeGreaterThan(3500);
      expect(Number(push!.headers['ttl'])).toBeLessThanOrEqual(3600);
      expect(push!.vapid.sub).toBe('mailto:push@taskflow.example');
      expect(push!.vapid.aud).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(push!.vapid.key).toBe(
        ((await ada.get('/notifications/push-key')).body as { publicKey: string }).publicKey,
      );
    }
    expect(pushesTo('/ada/laptop')[0]!.headers['topic']).toBe(pushesTo('/ada/phone')[0]!.headers['topic']);
  });

  it('goes to no address that nobody has confirmed', async () => {
    const bob = await signUp(app);
    const id = await world.approach(bob);
    await eventually(async () => expect(await world.stored(id)).not.toBeNull());
    expect(await world.stored(id)).not.toHaveProperty('deliveries');
  });

  it('that was finished before the mail left is not told any more', async () => {
    await ada.patch('/notifications/preferences').send({ quietHours: allDay() }).expect(200);
    // Far enough away that the deadline itself is still to come when the mail would leave.
    const dueDate = new Date(Date.now() + 3 * DAY_MS).toISOString();
    const { id: taskId } = await aTask(ada, { dueAt: dueDate, reminders: [] });
    const id = await world.happen(ada, 'task.deadline.approaching', { taskId, dueDate, minutesBefore: 4320 });
    await eventually(async () => expect(await stateOf(id, 'email')).toBe('pending'));
    await ada.patch(`/tasks/${taskId}`).send({ status: 'done' }).expect(200);
    jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + DAY_MS));
    await eventually(async () => expect(await stateOf(id, 'email')).toBe('skipped'), 10_000);
    expect(remindersTo(ada)).toEqual([]);
  });
});

/** Quiet hours that began a moment ago and end a moment before they began. */
function allDay(): { start: string; end: string } {
  const at = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
  return { start: at(Date.now() - 60_000), end: at(Date.now() - 120_000) };
}

describe('A push subscription that is gone', () => {
  it.each([404, 410])('after %i is removed, and the others get theirs', async (status) => {
    const [gone, there] = [`/gone/${status}`, `/there/${status}`];
    await subscribe(ada, gone);
    await subscribe(ada, there);
    pushes.answer(gone, status);
    await settled(await world.approach(ada), 'push', 'sent');
    await settled(await world.approach(ada), 'push', 'sent');
    expect(pushes.asked.get(gone)).toBe(1);
    expect(pushesTo(there)).toHaveLength(2);
  });

  it('is asked again later when the push service is in trouble, and the others are not told twice', async () => {
    await subscribe(ada, '/trouble');
    await subscribe(ada, '/fine');
    pushes.answer('/trouble', 503);
    const id = await world.approach(ada);
    await eventually(async () => expect((await world.stored(id))!.deliveries!['push']!.error).toContain('503'));
    pushes.answer('/trouble');
    await eventually(async () => expect(await stateOf(id, 'push')).toBe('sent'), 15_000);
    expect(pushesTo('/trouble')).toHaveLength(1);
    expect(pushesTo('/fine')).toHaveLength(1);
  });
});

describe('An SMTP server', () => {
  it('that is away for a while gets everything afterwards', async () => {
    await inbox.stop();
    const ids = await Promise.all([world.approach(ada, 'a'), world.approach(ada, 'b')]);
    for (const id of ids)
      await eventually(async () =>
        expect((await world.stored(id))?.deliveries?.['email']?.error).toMatch(/^no server/),
      );
    await inbox.restore();
    for (const id of ids) await eventually(async () => expect(await stateOf(id, 'email')).toBe('sent'), 20_000);
    expect(
      remindersTo(ada)
        .map((mail) => mail.header('Message-ID'))
        .toSorted(),
    ).toEqual(ids.map((id) => `<${id}.email@taskflow.example>`).toSorted());
  });

  it('that refuses an address for good makes a dead letter at once, and the rest flows', async () => {
    const bob = await signUp(app);
    await world.verify(bob);
    inbox.refuse(550, ada.email);
    const [dead, fine] = [await world.approach(ada), await world.approach(bob)];
    await settled(dead, 'email', 'dead');
    await settled(fine, 'email', 'sent');
    const letters = await app.app.get(DeadLetters).list(100);
    const letter = letters.find(({ payload }) => payload['id'] === dead)!;
    expect(letter).toMatchObject({ kind: 'delivery', group: 'email', name: 'deadline_approaching', attempts: 1 });
    expect(JSON.stringify(letter)).not.toContain(ada.email);
    inbox.refuse(undefined);
    expect(await app.app.get(DeadLetters).retry(letter.id)).toBe(true);
    // Whoever sends looks for it every five seconds.
    await settled(dead, 'email', 'sent', 10_000);
    expect(remindersTo(ada)).toHaveLength(1);
    expect((await app.app.get(DeadLetters).list(100)).map(({ id }) => id)).not.toContain(letter.id);
  });

  it('that goes on saying "later" makes a dead letter after so many attempts', async () => {
    inbox.refuse(451);
    const [failed, dead] = [await attempts('failed'), await attempts('dead')];
    const id = await world.approach(ada);
    await eventually(async () => expect((await world.stored(id))?.deliveries?.['email']?.attempts).toBe(1));
    // The mail that confirms the address may be among them.
    expect(await attempts('failed')).toBeGreaterThan(failed);
    // All but the last of them.
    const allButOne = { 'deliveries.email.attempts': delivery.MAX_ATTEMPTS - 1 };
    await world.connection.collection<{ _id: string }>('notifications').updateOne({ _id: id }, { $set: allButOne });
    await eventually(async () => expect(await stateOf(id, 'email')).toBe('dead'), 10_000);
    expect(await attempts('dead')).toBe(dead + 1);
    const letter = (await app.app.get(DeadLetters).list(100)).find(({ payload }) => payload['id'] === id);
    expect(letter).toMatchObject({ attempts: delivery.MAX_ATTEMPTS, error: 'the server answered 451' });
  });

  it('that is slow does not slow the API', async () => {
    inbox.delay(3000);
    for (let n = 0; n < 20; n++) await world.approach(ada, `slow ${n}`);
    await eventually(async () => {
      const { count } = (await ada.get('/notifications/unread-count')).body as { count: number };
      expect(count).toBe(20);
    });
    const took: number[] = [];
    for (let n = 0; n < 30; n++) {
      const begun = performance.now();
      await ada.post('/tasks').send({ title: 'meanwhile' }).expect(201);
      took.push(performance.now() - begun);
    }
    expect(took.toSorted((a, b) => a - b)[15]!).toBeLessThan(500);
    await eventually(async () =>
      expect(await metric('taskflow_deliveries_waiting', { channel: 'email' })).toBeGreaterThan(0),
    );
    expect(remindersTo(ada).length).toBeLessThan(20);
    inbox.delay(0);
    await eventually(() => expect(remindersTo(ada)).toHaveLength(20), 20_000);
  });
});

describe('Mails about the account', () => {
  it.each([
    ['user.password_reset_requested', 'reset_password', 'Set a new password', 'reset-password'],
    ['user.email_verification_requested', 'verify_email', 'Confirm your e-mail address', 'verify-email'],
  ])('%s: has a link with the token, whatever the user prefers', async (name, purpose, subject, page) => {
    await ada
      .patch('/notifications/preferences')
      .send({ quietHours: allDay(), channels: { email: { overdue: false } } });
    const tokens = app.app.get(OneTimeTokens, { strict: false });
    const { id: tokenId } = tokens.issue(purpose, ada.user.id);
    const id = await world.happen(ada, name, { tokenId });
    await settled(id, 'email', 'sent');
    const mail = mailsTo(ada).find((one) => one.header('Message-ID') === `<${id}.email@taskflow.example>`)!;
    expect(mail.header('Subject')).toBe(subject);
    const link = `https://taskflow.example/${page}#token=${tokens.tokenOf(purpose, tokenId)}`;
    expect(mail.part('text/plain')).toContain(link);
    expect(mail.part('text/html')).toContain(`href="${link}"`);
    expect(mail.header('List-Unsubscribe')).toBeUndefined();
    expect(JSON.stringify(await world.stored(id))).not.toContain(tokens.tokenOf(purpose, tokenId));
    expect(((await ada.get('/notifications')).body as { items: unknown[] }).items).toEqual([]);
  });
});

describe('Deleting the account', () => {
  it('removes notifications, preferences and subscriptions, and what is on its way', async () => {
    await subscribe(ada, '/deleted');
    await ada.patch('/notifications/preferences').send({ quietHours: allDay() }).expect(200);
    const id = await world.approach(ada);
    await eventually(async () => expect(await stateOf(id, 'push')).toBe('pending'));
    await ada.delete('/users/me').send({ password: ada.password }).expect(204);
    for (const name of ['notifications', 'notification_preferences', 'push_subscriptions'])
      await eventually(async () =>
        expect([name, await world.connection.collection(name).countDocuments({ owner: ada.user.id })]).toEqual([
          name,
          0,
        ]),
      );
  });
});

describe('Without an SMTP server', () => {
  it('mails are files that only their owner can read', async () => {
    const directory = await temporaryDirectory();
    const local = await startTestApp({ DATA_DIR: directory.path });
    const here = await happenings(local.mongoUri);
    try {
      const bob = await signUp(local);
      await here.verify(bob);
      const id = await here.approach(bob, 'On paper');
      const path = join(directory.path, 'mail', `${id}.eml`);
      const mail = received([], await eventually(() => readFile(path, 'utf8')));
      expect(mail.header('Subject')).toBe('Due in 1 hour: On paper');
      expect(mail.header('To')).toBe(bob.email);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    } finally {
      await here.close();
      await local.close();
      await directory.remove();
    }
  });
});
