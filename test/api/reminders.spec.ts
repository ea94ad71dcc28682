import mongoose, { type Connection } from 'mongoose';
import { AppConfig } from '../../src/config/config.js';
import { EventTransport } from '../../src/core/events/event-transport.js';
import { Clock } from '../../src/core/time/clock.js';
import { ReminderDefaults } from '../../src/modules/notifications/reminders/reminder-defaults.js';
import { ReminderPlanner } from '../../src/modules/notifications/reminders/reminder-planner.js';
import { TaskDeadlines } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { aTask, tasks, type TaskBody } from '../support/tasks.js';

const APPROACHING = 'task.deadline.approaching';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let app: TestApp;
let database: Connection;
let aheadMs = 0;
beforeAll(async () => {
  app = await startTestApp();
  database = await mongoose.createConnection(app.mongoUri).asPromise();
});
beforeEach(() => {
  aheadMs = 0;
  jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + aheadMs));
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await database?.close();
  await app?.close();
});

const inFuture = (ms: number): string => new Date(Date.now() + ms).toISOString();
const reminders = (...minutes: number[]) => minutes.map((minutesBefore) => ({ minutesBefore }));

/** What waits in the schedule: `approaching 60`, by the instant. */
async function waiting({ user }: Client): Promise<string[]> {
  const rows = database.collection('reminders').find({ owner: user.id, state: 'waiting' }).sort({ fireAt: 1 });
  return (await rows.toArray()).map(({ kind, minutesBefore }) => `${kind} ${minutesBefore}`);
}
const expectWaiting = (client: Client, ...expected: string[]): Promise<void> =>
  eventually(async () => expect(await waiting(client)).toEqual(expected));

interface Told {
  readonly _id: string;
  readonly name: string;
  readonly at: Date;
  readonly facts: Readonly<Record<string, unknown>>;
}
/** The events that the owner's deadlines have made, in their order. */
const told = ({ user }: Client): Promise<Told[]> =>
  database
    .collection<Told>('events')
    .find({ owner: user.id, name: { $in: ['task.deadline.approaching', 'task.overdue'] } })
    .sort({ seq: 1 })
    .toArray();
const names = async (client: Client): Promise<string[]> =>
  (await told(client)).map(({ name, facts }) => [name, facts['minutesBefore']].join(' ').trim());

/** Waits until everything that was due by now has fired, without waiting for nothing to happen. */
async function untilAllHasFired(): Promise<void> {
  const now = new Date(Date.now() + aheadMs);
  await eventually(async () =>
    expect(await database.collection('reminders').countDocuments({ lookAt: { $lte: now } })).toBe(0),
  );
  await eventually(async () =>
    expect(await database.collection('reminders').countDocuments({ pendingAt: { $exists: true } })).toBe(0),
  );
}

describe('a deadline', () => {
  it('is told of 24 hours and 1 hour before, and when it has passed', async () => {
    const ada = await signUp(app);
    const dueAt = inFuture(48 * HOUR);
    const { id: taskId } = await aTask(ada, { dueAt });
    await expectWaiting(ada, 'approaching 1440', 'approaching 60', 'overdue 0');
    const about = { userId: ada.user.id, taskId, dueDate: dueAt };
    aheadMs = 24 * HOUR;
    await eventually(async () => expect(await told(ada)).toHaveLength(1));
    aheadMs = 47 * HOUR;
    await eventually(async () => expect(await told(ada)).toHaveLength(2));
    aheadMs = 48 * HOUR;
    await eventually(async () => expect(await told(ada)).toHaveLength(3));
    expect(await told(ada)).toMatchObject([
      { name: 'task.deadline.approaching', facts: { ...about, minutesBefore: 1440 } },
      { name: 'task.deadline.approaching', facts: { ...about, minutesBefore: 60 } },
      { name: 'task.overdue', facts: about },
    ]);
    const [first] = await told(ada);
    expect(first!.at.getTime() - (Date.parse(dueAt) - 24 * HOUR)).toBeGreaterThanOrEqual(0);
  });

  it('is told of at the moments its task has of its own, and only afterwards where there are none', async () => {
    const ada = await signUp(app);
    const dueAt = inFuture(10 * MINUTE);
    await aTask(ada, { dueAt, reminders: reminders(0, 5) });
    await aTask(ada, { dueAt: inFuture(11 * MINUTE), reminders: [] });
    await expectWaiting(ada, 'approaching 5', 'approaching 0', 'overdue 0', 'overdue 0');
    aheadMs = 5 * MINUTE;
    await eventually(async () => expect(await names(ada)).toEqual(['task.deadline.approaching 5']));
    aheadMs = 10 * MINUTE;
    await eventually(async () => expect(await names(ada)).toHaveLength(3));
    aheadMs = 11 * MINUTE;
    await eventually(async () =>
      expect((await names(ada)).sort()).toEqual([
        'task.deadline.approaching 0',
        'task.deadline.approaching 5',
        'task.overdue',
        'task.overdue',
      ]),
    );
  });

  it('that had passed when it was set says nothing', async () => {
    const ada = await signUp(app);
    await aTask(ada, { dueAt: inFuture(-MINUTE) });
    const { id } = await aTask(ada, { dueAt: inFuture(30 * MINUTE) });
    await expectWaiting(ada, 'overdue 0');
    await ada.patch(`/tasks/${id}`).send({ dueAt: inFuture(-HOUR) });
    await expectWaiting(ada);
    await untilAllHasFired();
    expect(await names(ada)).toEqual([]);
  });

  it('of a task nobody has to do any more is forgotten, and comes back with the task', async () => {
    const ada = await signUp(app);
    const [done, cancelled, trashed, undated] = (await tasks(
      ada,
      Array.from({ length: 4 }, () => ({ dueAt: inFuture(10 * MINUTE), reminders: reminders(5) })),
    )) as [TaskBody, TaskBody, TaskBody, TaskBody];
    const all = Array.from({ length: 4 }, () => 'approaching 5').concat(Array.from({ length: 4 }, () => 'overdue 0'));
    await expectWaiting(ada, ...all);
    await ada.patch(`/tasks/${done.id}`).send({ status: 'done' });
    await ada.patch(`/tasks/${cancelled.id}`).send({ status: 'cancelled' });
    await ada.delete(`/tasks/${trashed.id}`);
    await ada.patch(`/tasks/${undated.id}`).send({ dueAt: null });
    await expectWaiting(ada);
    aheadMs = 6 * MINUTE;
    await ada.patch(`/tasks/${done.id}`).send({ status: 'todo' });
    await ada.post(`/tasks/${trashed.id}/restore`);
    // The five minutes before are over for both.
    await expectWaiting(ada, 'overdue 0', 'overdue 0');
    await ada.delete(`/tasks/${trashed.id}?permanent=true`);
    await expectWaiting(ada, 'overdue 0');
    aheadMs = 10 * MINUTE;
    await eventually(async () => expect(await told(ada)).toMatchObject([{ facts: { taskId: done.id } }]));
    expect(await names(ada)).toEqual(['task.overdue']);
  });

  it('that was moved is told of at its new moments only', async () => {
    const ada = await signUp(app);
    const { id } = await aTask(ada, { dueAt: inFuture(10 * MINUTE), reminders: reminders(5) });
    const moved = inFuture(13 * MINUTE);
    await ada.patch(`/tasks/${id}`).send({ dueAt: moved, reminders: reminders(2) });
    await expectWaiting(ada, 'approaching 2', 'overdue 0');
    aheadMs = 10.5 * MINUTE;
    await untilAllHasFired();
    expect(await names(ada)).toEqual([]);
    aheadMs = 11 * MINUTE;
    await eventually(async () => expect(await told(ada)).toMatchObject([{ facts: { dueDate: moved } }]));
  });

  it('is told of once, however often its task is changed afterwards', async () => {
    const ada = await signUp(app);
    const at = new Date();
    const { id } = await aTask(ada, { dueAt: inFuture(10 * MINUTE), reminders: reminders(5) });
    await expectWaiting(ada, 'approaching 5', 'overdue 0');
    aheadMs = 5 * MINUTE;
    await eventually(async () => expect(await names(ada)).toEqual(['task.deadline.approaching 5']));
    await ada.patch(`/tasks/${id}`).send({ reminders: reminders(4, 5) });
    await expectWaiting(ada, 'approaching 4', 'overdue 0');
    await ada.patch(`/tasks/${id}`).send({ status: 'in_progress', title: 'Begun' });
    // Every event of a task may come again, also long after.
    const event = { id: 'again', owner: ada.user.id, seq: 1, name: 'task.created', at, facts: { taskId: id } };
    await app.app.get(ReminderPlanner).handle(event);
    expect(await waiting(ada)).toEqual(['approaching 4', 'overdue 0']);
    await untilAllHasFired();
    expect(await names(ada)).toEqual(['task.deadline.approaching 5']);
  });

  it('that has fired is told of, also when its task is finished before that is published', async () => {
    const ada = await signUp(app);
    const { id } = await aTask(ada, { dueAt: inFuture(10 * MINUTE), reminders: reminders(5) });
    await expectWaiting(ada, 'approaching 5', 'overdue 0');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const isReminder = (events: readonly { name: string }[]): boolean =>
      events.some((event) => event.name === APPROACHING);
    for (const one of app.apps) {
      const transport = one.get(EventTransport);
      const publish = transport.publish.bind(transport);
      jest.spyOn(transport, 'publish').mockImplementation(async (events) => {
        if (isReminder(events)) await held;
        return publish(events);
      });
    }
    aheadMs = 5 * MINUTE;
    await eventually(async () => expect(await told(ada)).toHaveLength(1));
    await ada.patch(`/tasks/${id}`).send({ status: 'done' });
    const rows = () => database.collection('reminders').find({ owner: ada.user.id }).toArray();
    await eventually(async () =>
      expect(await rows()).toMatchObject([{ state: 'void', pending: [{ name: APPROACHING }] }]),
    );
    release();
    await eventually(async () => expect(await rows()).toEqual([]));
    expect(await names(ada)).toEqual([`${APPROACHING} 5`]);
  });

  it('has nothing to say once its account is gone', async () => {
    const ada = await signUp(app);
    await aTask(ada, { dueAt: inFuture(10 * MINUTE) });
    await expectWaiting(ada, 'overdue 0');
    await ada.delete('/users/me').send({ password: ada.password }).expect(204);
    await eventually(async () =>
      expect(await database.collection('reminders').countDocuments({ owner: ada.user.id })).toBe(0),
    );
  });
});

describe('when the workers come late', () => {
  it('a deadline that still approaches is told of, one that has passed is overdue and no longer approaching', async () => {
    const ada = await signUp(app);
    await aTask(ada, { title: 'soon', dueAt: inFuture(10 * MINUTE), reminders: reminders(9) });
    await aTask(ada, { title: 'over', dueAt: inFuture(5 * MINUTE), reminders: reminders(4, 3) });
    await expectWaiting(ada, 'approaching 9', 'approaching 4', 'approaching 3', 'overdue 0', 'overdue 0');
    aheadMs = 6 * MINUTE;
    await eventually(async () => expect(await names(ada)).toHaveLength(2));
    await untilAllHasFired();
    expect((await names(ada)).sort()).toEqual(['task.deadline.approaching 9', 'task.overdue']);
  });

  it('what became due while its task was on the way to the planner is told of all the same', async () => {
    const ada = await signUp(app);
    const planner = app.app.get(ReminderPlanner);
    const at = new Date();
    const { id: taskId } = await aTask(ada, { dueAt: inFuture(10 * MINUTE), reminders: reminders(5) });
    await expectWaiting(ada, 'approaching 5', 'overdue 0');
    await database.collection('reminders').deleteMany({ owner: ada.user.id });
    aheadMs = 6 * MINUTE;
    await planner.handle({ id: 'late', owner: ada.user.id, seq: 1, name: 'task.created', at, facts: { taskId } });
    await eventually(async () => expect(await names(ada)).toEqual(['task.deadline.approaching 5']));
  });
});

describe('a clock that jumps', () => {
  it('two minutes ahead fires what its time has come for; back again it fires nothing twice', async () => {
    const ada = await signUp(app);
    await aTask(ada, { dueAt: inFuture(3 * MINUTE), reminders: reminders(2, 1) });
    await expectWaiting(ada, 'approaching 2', 'approaching 1', 'overdue 0');
    aheadMs = 2 * MINUTE;
    await eventually(async () => expect(await names(ada)).toHaveLength(2));
    aheadMs = -2 * MINUTE;
    await expectWaiting(ada, 'overdue 0');
    const { id } = await aTask(ada, { dueAt: inFuture(-MINUTE), reminders: reminders(0) });
    aheadMs = -MINUTE;
    await eventually(async () =>
      expect((await told(ada)).filter(({ facts }) => facts['taskId'] === id)).toHaveLength(2),
    );
    aheadMs = 3 * MINUTE;
    await eventually(async () => expect(await names(ada)).toHaveLength(5));
    await untilAllHasFired();
    expect((await names(ada)).sort()).toEqual([
      'task.deadline.approaching 0',
      'task.deadline.approaching 1',
      'task.deadline.approaching 2',
      'task.overdue',
      'task.overdue',
    ]);
  });

  it('does not move a day: 24 hours before are 24 hours, also where summer time begins', async () => {
    const ada = await signUp(app);
    await ada.patch('/users/me').send({ timeZone: 'Europe/Berlin' }).expect(200);
    await aTask(ada, { dueAt: '2099-03-29T10:00:00+02:00', reminders: reminders(1440) });
    await expectWaiting(ada, 'approaching 1440', 'overdue 0');
    const row = await database.collection('reminders').findOne({ owner: ada.user.id, kind: 'approaching' });
    expect(row!['fireAt']).toEqual(new Date('2099-03-28T08:00:00Z'));
  });
});

describe('the plan', () => {
  it('is that of the newest state of the task, whichever of two workers writes last', async () => {
    const ada = await signUp(app);
    const { id: taskId } = await aTask(ada, { dueAt: inFuture(10 * MINUTE), reminders: reminders(5) });
    await expectWaiting(ada, 'approaching 5', 'overdue 0');
    const planning = app.apps.find((one) => one.get(AppConfig).modules.includes('notifications'))!;
    const deadlines = planning.get(TaskDeadlines, { strict: false });
    const among = deadlines.among.bind(deadlines);
    // The first look is at the task as it was before the change, whose own planner is done before the first goes on.
    jest.spyOn(deadlines, 'among').mockImplementationOnce(async (owner, ids) => {
      const old = await among(owner, ids);
      await ada.patch(`/tasks/${taskId}`).send({ dueAt: inFuture(12 * MINUTE), reminders: reminders(3) });
      await expectWaiting(ada, 'approaching 3', 'overdue 0');
      return old;
    });
    const event = { id: 'again', owner: ada.user.id, seq: 1, name: 'task.created', at: new Date(), facts: { taskId } };
    await app.app.get(ReminderPlanner).handle(event);
    expect(await waiting(ada)).toEqual(['approaching 3', 'overdue 0']);
  });

  it('follows the owner’s reminders for all tasks, but not those of a task of its own', async () => {
    const ada = await signUp(app);
    const dueAt = inFuture(90 * MINUTE);
    await tasks(ada, [{ dueAt }, { dueAt, reminders: reminders(30) }]);
    await expectWaiting(ada, 'approaching 60', 'approaching 30', 'overdue 0', 'overdue 0');
    jest.spyOn(app.app.get(ReminderDefaults), 'of').mockResolvedValue(reminders(45, 15));
    const name = 'notifications.reminders_changed';
    const event = { id: 'changed', owner: ada.user.id, seq: 1, name, at: new Date(), facts: {} };
    await app.app.get(ReminderPlanner).handle(event);
    const expected = ['approaching 45', 'approaching 30', 'approaching 15', 'overdue 0', 'overdue 0'];
    expect(await waiting(ada)).toEqual(expected);
  });
});
