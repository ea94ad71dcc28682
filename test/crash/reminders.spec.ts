import mongoose from 'mongoose';
import { once } from 'node:events';
import { signUp, type Client } from '../support/clients.js';
import { crashingApp, moveClock, type Running } from '../support/crashing-app.js';
import { eventually } from '../support/eventually.js';

const MINUTE = 60_000;
/** Longer than the claims and leases of a process that was killed. */
const UNTIL_FREE_MS = 30_000;

describe('reminders that kill -9 interrupts', () => {
  const { start } = crashingApp();

  /** Of this owner's deadlines, as the log tells them. */
  const told = async ({ databaseUri }: Running, { user }: Client): Promise<string[]> => {
    const connection = await mongoose.createConnection(databaseUri).asPromise();
    try {
      const names = ['task.deadline.approaching', 'task.overdue'];
      const events = connection.db!.collection('events').find({ owner: user.id, name: { $in: names } });
      return (await events.toArray())
        .map(({ name, facts }) => `${name} ${facts.minutesBefore ?? ''} ${facts.taskId}`)
        .sort();
    } finally {
      await connection.close();
    }
  };

  it.each([
    'task looked at',
    'reminders planned',
    'plan done',
    'reminders claimed',
    'reminders fired',
    'reminder in the log',
    'reminder published',
  ])('each fires once after a restart: killed after "%s"', async (step) => {
    const first = await start(step);
    const death = once(first.child, 'exit');
    const zoe = await signUp(first);
    const dueAt = new Date(Date.now() + 10 * MINUTE).toISOString();
    const input = { title: 'water the orchids', dueAt, reminders: [{ minutesBefore: 5 }, { minutesBefore: 4 }] };
    const { id } = (await zoe.post('/tasks').send(input).expect(201)).body as { id: string };
    moveClock(first, 6 * MINUTE);
    expect(await death).toEqual([null, 'SIGKILL']);
    const again = await start();
    moveClock(again, 6 * MINUTE + UNTIL_FREE_MS);
    const both = [`task.deadline.approaching 4 ${id}`, `task.deadline.approaching 5 ${id}`];
    await eventually(async () => expect(await told(again, zoe)).toEqual(both), 20_000);
    moveClock(again, 10 * MINUTE);
    await eventually(async () => expect(await told(again, zoe)).toEqual([...both, `task.overdue  ${id}`]), 20_000);
  });
});
