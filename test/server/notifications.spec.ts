import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import type { Client } from '../support/clients.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { happenings, messageIdOf, reachable, SENDER, type Happenings } from '../support/notifications.js';
import { startPushService, type PushService } from '../support/push-service.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { startSmtpInbox, type SmtpInbox } from '../support/smtp-inbox.js';

/** Every mail goes over one of so many connections: so many may be between "sent" and "written down". */
const SMTP_CONNECTIONS = 5;
/** A claim of a process that was killed, and the looks for it. */
const AFTER_A_KILL_MS = 90_000;

const jwtKey = generateJwtKey();

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let redis: RedisProcess;
let inbox: SmtpInbox;
let pushes: PushService;
let world: Happenings;
let processes: TaskFlowProcess[];
beforeAll(requireCurrentDist);
beforeEach(async () => {
  [database, redis, inbox, pushes] = await Promise.all([
    startTestDatabase(),
    startRedis(),
    startSmtpInbox(),
    startPushService(),
  ]);
  world = await happenings(database.uri);
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map((process) => process.end('SIGKILL')));
  await world.close();
  await Promise.all([inbox.close(), pushes.close(), redis.stop()]);
  await database.close();
});

async function start(): Promise<TaskFlowProcess> {
  const process = await startProcess({
    MONGODB_URI: database.uri,
    REDIS_URL: redis.url,
    JWT_KEYS: jwtKey,
    SMTP_URL: inbox.url,
    ...SENDER,
  });
  processes.push(process);
  return process;
}

const withBrowser = (process: TaskFlowProcess): Promise<Client> => reachable(process, world, pushes, '/browser');

const approachAll = (client: Client, count: number): Promise<string[]> =>
  world.approachAll(
    client,
    Array.from({ length: count }, (_none, n) => `Task ${n}`),
  );
const messageIds = (): string[] => inbox.mails.map((mail) => mail.header('Message-ID')!).filter((id) => wanted.has(id));
/** Of the mails that the test is about, without the one that confirms the address. */
let wanted: Set<string>;
const expectAll = (ids: readonly string[], withinMs: number): Promise<void> => {
  wanted = new Set(ids.map(messageIdOf));
  return eventually(() => {
    expect(new Set(messageIds())).toEqual(wanted);
    expect(new Set(pushes.pushes.map(({ message }) => message['id']))).toEqual(new Set(ids));
  }, withinMs);
};
const expectInAppOnce = async (client: Client, ids: readonly string[]): Promise<void> => {
  const page = await client.get('/notifications?limit=100').expect(200);
  const seen = (page.body as { items: { id: string }[] }).items.map(({ id }) => id);
  expect(seen.toSorted()).toEqual([...ids].toSorted());
};
const allSettled = (withinMs: number): Promise<void> =>
  eventually(async () => {
    const pending = { $or: [{ 'deliveries.email.state': 'pending' }, { 'deliveries.push.state': 'pending' }] };
    expect(await world.connection.collection('notifications').countDocuments(pending)).toBe(0);
  }, withinMs);

it('A process that is killed while it sends loses nothing, and what it had not written down comes twice, as the same mail', async () => {
  const first = await start();
  const ada = await withBrowser(first);
  inbox.onMail((mail) => {
    // The server has this one; its sender will never know.
    if (mail.header('Subject')!.endsWith('Task 20')) first.process.kill('SIGKILL');
  });
  const ids = await approachAll(ada, 40);
  await eventually(() => expect(first.process.signalCode).toBe('SIGKILL'), 30_000);
  inbox.onMail(() => undefined);
  const second = await start();
  await expectAll(ids, AFTER_A_KILL_MS);
  await allSettled(AFTER_A_KILL_MS);
  const again = messageIds().length - ids.length;
  expect(again).toBeGreaterThanOrEqual(1);
  expect(again).toBeLessThanOrEqual(SMTP_CONNECTIONS);
  const topics = new Set(pushes.pushes.map(({ headers }) => headers['topic']));
  expect(topics.size).toBe(ids.length);
  await expectInAppOnce(
    { ...ada, get: (path) => second.http.get(`/api/v1${path}`).set('authorization', `Bearer ${ada.token}`) },
    ids,
  );
}, 240_000);

it('A Redis that comes back empty loses nothing, and nothing comes twice', async () => {
  const ada = await withBrowser(await start());
  // In Redis there is what could not be sent yet.
  await inbox.stop();
  pushes.answer('/browser', 503);
  const ids = await approachAll(ada, 10);
  await eventually(async () => {
    const failed = { 'deliveries.email.attempts': { $gt: 0 }, 'deliveries.push.attempts': { $gt: 0 } };
    expect(await world.connection.collection('notifications').countDocuments(failed)).toBe(ids.length);
  }, 30_000);
  await redis.restart();
  await inbox.restore();
  pushes.answer('/browser');
  await expectAll(ids, 90_000);
  await allSettled(30_000);
  expect(messageIds()).toHaveLength(ids.length);
  expect(pushes.pushes).toHaveLength(ids.length);
});

it('What happens while Redis is away is told when it is back', async () => {
  const ada = await withBrowser(await start());
  await redis.kill('SIGKILL');
  const dueDate = new Date(Date.now() + 60 * 60 * 1000).toISOString();
  const task = await ada.post('/tasks').send({ title: 'Meanwhile', dueAt: dueDate, reminders: [] }).expect(201);
  const { id: taskId } = task.body as { id: string };
  const id = await world.happen(ada, 'task.deadline.approaching', { taskId, dueDate, minutesBefore: 60 });
  await eventually(async () => expect(await world.stored(id)).not.toBeNull(), 20_000);
  await redis.restart();
  await expectAll([id], 60_000);
});

it('A process that begins without Redis sends once there is one', async () => {
  const ada = await withBrowser(await start());
  await processes[0]!.end('SIGKILL');
  await redis.kill('SIGKILL');
  await start();
  await redis.restart();
  await expectAll([await world.approach({ ...ada, ...(await clientOf(processes[1]!, ada)) })], 60_000);
});

/** The same user at another process. */
async function clientOf(process: TaskFlowProcess, { token }: Client): Promise<Pick<Client, 'post'>> {
  return { post: (path) => process.http.post(`/api/v1${path}`).set('authorization', `Bearer ${token}`) };
}
