// @ts-check
// The compiled application on an embedded store, as a child process that kills itself after a named step (argv[2]; none
// without it). Tells its parent where it is; the parent may move its clock.
import { createApp } from '../../dist/app.setup.js';
import { loadConfig } from '../../dist/config/config.js';
import { EventBus } from '../../dist/core/events/event-bus.js';
import { EventHandlers } from '../../dist/core/events/event-handlers.js';
import { EventLog } from '../../dist/core/events/event-log.repository.js';
import { OutboxRelay } from '../../dist/core/events/outbox.relay.js';
import { Revocations } from '../../dist/core/security/revocations.js';
import { Clock } from '../../dist/core/time/clock.js';
import { startMongoWorker } from '../../dist/embedded/mongo/index.js';
import { SessionStore } from '../../dist/modules/auth/session.store.js';
import { ReminderPlanner } from '../../dist/modules/notifications/reminders/reminder-planner.js';
import { ReminderTrigger } from '../../dist/modules/notifications/reminders/reminder-trigger.js';
import { RemindersRepository } from '../../dist/modules/notifications/reminders/reminders.repository.js';
import { TasksRepository } from '../../dist/modules/tasks/tasks.repository.js';
import { TasksService } from '../../dist/modules/tasks/tasks.service.js';
import { UsersRepository } from '../../dist/modules/users/users.repository.js';

/** Provider, method, and whether this call of it is the one. @type {Record<string, [any, string, (args: any[]) => boolean]>} */
const steps = {
  'user written': [UsersRepository, 'replace', ([, { user }]) => user.status === 'deleted'],
  'tokens refused': [Revocations, 'raiseVersion', () => true],
  'sessions ended': [SessionStore, 'end', () => true],
  'tasks purged': [TasksService, 'purge', () => true],
  'deletion published': [
    OutboxRelay,
    'publish',
    ([, carriers]) => carriers.some(({ pending }) => pending.some(({ name }) => name === 'user.deleted')),
  ],
  'task written': [TasksRepository, 'insert', () => true],
  'task event logged': [EventLog, 'append', ([events]) => events.some(({ name }) => name === 'task.created')],
  'task event handled': [EventHandlers, 'handle', ([, { name }]) => name === 'task.created'],
  'first purge delivered': [EventBus, 'deliver', ([module, { name }]) => module === 'tasks' && name === 'user.deleted'],
  'second purge delivered': [
    EventBus,
    'deliver',
    ([module, { name }]) => module === 'tasks' && name === 'user.purge_due',
  ],
  'task looked at': [RemindersRepository, 'idsOf', () => true],
  'reminders planned': [RemindersRepository, 'add', ([reminders]) => reminders.length > 0],
  'plan done': [ReminderPlanner, 'handle', () => true],
  'reminders claimed': [ReminderTrigger, 'deadlinesOf', () => true],
  'reminders fired': [RemindersRepository, 'settle', () => true],
  'reminder in the log': [
    EventLog,
    'append',
    ([events]) => events.some(({ name }) => name === 'task.deadline.approaching'),
  ],
  'reminder published': [
    OutboxRelay,
    'publish',
    ([, carriers]) => carriers.some(({ pending }) => pending.some(({ name }) => name === 'task.deadline.approaching')),
  ],
};

const config = loadConfig();
const store = await startMongoWorker({ directory: config.dataDir });
const app = await createApp(config, store.uri);

let aheadMs = 0;
app.get(Clock).now = () => new Date(Date.now() + aheadMs);
process.on('message', (/** @type {{ aheadMs: number }} */ message) => {
  aheadMs = message.aheadMs;
});

const step = steps[process.argv[2] ?? ''];
if (step) {
  const [token, method, isTheOne] = step;
  const provider = app.get(token, { strict: false });
  const original = provider[method].bind(provider);
  provider[method] = async (/** @type {any[]} */ ...args) => {
    const result = await original(...args);
    if (isTheOne(args)) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

await app.listen(0, '127.0.0.1');
process.send?.({ url: await app.getUrl(), databaseUri: store.uri });
