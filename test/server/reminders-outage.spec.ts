import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import type { Client } from '../support/clients.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { happenings, messageIdOf, reachable, SENDER, type Happenings } from '../support/notifications.js';
import { startPushService, type PushService } from '../support/push-service.js';
import { startRabbit, type RabbitProcess } from '../support/rabbitmq.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { startSmtpInbox, type SmtpInbox } from '../support/smtp-inbox.js';
import { latenessOf, percentile, remindersWithinAMinute, type Told } from '../support/reminders.js';

const REMINDERS = Number(process.env['REMINDERS'] ?? 10_000);
const USERS = 10;
const MINUTE_MS = 60_000;
const MINUTES_BEFORE = 60;
/** For tasks on their way to the schedule: what becomes due before is told of, but late. */
const AHEAD_MS = 20_000 + REMINDERS * 10;
/** For all that is left after the minute, and for the claims of the worker that was killed. */
const WITHIN_MS = 60_000 + REMINDERS * 40;
/** What one process does at a time on each channel, and so what may be between "sent" and "written down". */
const SENDING = { email: 5, push: 10 };

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let redis: RedisProcess;
let rabbit: RabbitProcess;
let inbox: SmtpInbox;
let pushes: PushService;
let world: Happenings;
const processes: TaskFlowProcess[] = [];

beforeAll(async () => {
  requireCurrentDist();
  [database, redis, rabbit, inbox, pushes] = await Promise.all([
    startTestDatabase(),
    startRedis(),
    startRabbit(),
    startSmtpInbox(),
    startPushService(),
  ]);
  world = await happenings(database.uri);
});
afterAll(async () => {
  await Promise.all(processes.map((process) => process.end('SIGKILL')));
  await world.close();
  await Promise.all([inbox.close(), pushes.close(), redis.stop(), rabbit.stop()]);
  await database.close();
});

async function start(role: 'api' | 'worker', jwtKey: string): Promise<TaskFlowProcess> {
  const process = await startProcess({
    ROLE: role,
    ...(role === 'api' ? { JWT_KEYS: jwtKey } : {}),
    MIGRATE_AT_START: 'true',
    MONGODB_URI: database.uri,
    REDIS_URL: redis.url,
    EVENTS_URL: rabbit.url,
    SMTP_URL: inbox.url,
    ...SENDER,
  });
  processes.push(process);
  return process;
}

const EVENT = { name: 'task.deadline.approaching' };
const countTold = (): Promise<number> => world.connection.collection('events').countDocuments(EVENT);
const topicsOf = (): string[] => pushes.pushes.map(({ headers }) => String(headers['topic']));

it(
  `${REMINDERS} reminders within a minute, one of two workers killed, Redis and RabbitMQ restarted: nothing is lost`,
  async () => {
    const jwtKey = generateJwtKey();
    const api = await start('api', jwtKey);
    const first = await start('worker', jwtKey);
    const second = await start('worker', jwtKey);
    const users: Client[] = [];
    for (let n = 0; n < USERS; n++) users.push(await reachable(api, world, pushes, `/${n}`));
    const mailed: string[] = [];
    inbox.onMail((mail) => mailed.push(mail.header('Message-ID')!));
    const beginMs = Date.now() + AHEAD_MS;
    const created = await remindersWithinAMinute(users, REMINDERS, beginMs, MINUTES_BEFORE);
    expect(Date.now()).toBeLessThan(beginMs);

    await eventually(
      async () => expect(await countTold()).toBeGreaterThan(REMINDERS / 3),
      AHEAD_MS + MINUTE_MS + WITHIN_MS,
    );
    await first.end('SIGKILL');
    await redis.restart();
    await rabbit.restart();

    await eventually(async () => expect(await countTold()).toBe(REMINDERS), WITHIN_MS);
    const told = await world.connection.collection<Told>('events').find(EVENT).toArray();
    expect(told.map(({ facts }) => facts.taskId).sort()).toEqual(created.sort());

    const messageIds = new Set(told.map(({ _id }) => messageIdOf(_id)));
    const ours = (): string[] => mailed.filter((id) => messageIds.has(id));
    await eventually(() => expect(new Set(ours()).size).toBe(REMINDERS), WITHIN_MS);
    await eventually(
      () => expect(new Set(pushes.pushes.map(({ message }) => message['id'])).size).toBe(REMINDERS),
      WITHIN_MS,
    );

    // In the app exactly once, as its user counts them.
    for (const user of users) {
      const { body } = await user.get('/notifications/unread-count').expect(200);
      expect(body).toEqual({ count: REMINDERS / USERS });
    }
    expect(await world.connection.collection('notifications').countDocuments({ shownAt: { $exists: true } })).toBe(
      REMINDERS,
    );

    // Twice is only what the killed process had sent and not written down, and it is recognisably the same.
    const twice = { email: ours().length - REMINDERS, push: pushes.pushes.length - REMINDERS };
    expect(new Set(topicsOf()).size).toBe(REMINDERS);
    expect(twice.email).toBeLessThanOrEqual(SENDING.email);
    expect(twice.push).toBeLessThanOrEqual(SENDING.push);
    expect(await world.connection.collection('dead_letters').countDocuments()).toBe(0);
    expect(second.process.exitCode).toBeNull();

    const lateMs = latenessOf(told, MINUTES_BEFORE);
    process.stderr.write(
      `${REMINDERS} reminders: lateness p50 ${percentile(lateMs, 0.5)} ms, p99 ${percentile(lateMs, 0.99)} ms; ` +
        `twice: ${twice.email} mails, ${twice.push} pushes\n`,
    );
  },
  AHEAD_MS + MINUTE_MS + 3 * WITHIN_MS,
);
