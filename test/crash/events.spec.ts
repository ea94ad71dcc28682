import { once } from 'node:events';
import mongoose from 'mongoose';
import request from 'supertest';
import { signUp } from '../support/clients.js';
import { crashingApp } from '../support/crashing-app.js';
import { eventually } from '../support/eventually.js';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('An event whose process is killed with -9', () => {
  const { start } = crashingApp();

  it.each(['task written', 'task event logged', 'task event handled'])(
    'right after “%s” is in the log once, is handled, and leaves the document',
    async (step) => {
      const dying = await start(step);
      const ada = await signUp(dying);
      const died = once(dying.child, 'exit');
      const task = { title: 'Survives', dueAt: new Date(Date.now() + 10 * DAY_MS).toISOString() };
      // The answer may not get out any more.
      await request(dying.url)
        .post('/api/v1/tasks')
        .set('authorization', `Bearer ${ada.token}`)
        .send(task)
        .catch(() => undefined);
      expect((await died)[1]).toBe('SIGKILL');

      const { databaseUri } = await start();
      const connection = await mongoose.createConnection(databaseUri).asPromise();
      try {
        await eventually(async () => {
          const stored = await connection.collection('tasks').find({ title: 'Survives' }).toArray();
          expect(stored).toHaveLength(1);
          expect(stored[0]).not.toHaveProperty('pending');
          const events = await connection.collection('events').find({ name: 'task.created' }).toArray();
          expect(events).toHaveLength(1);
          expect(events[0]).toMatchObject({ owner: ada.user.id, expireAt: expect.any(Date) as Date });
          expect(events[0]).not.toHaveProperty('to');
          const reminders = await connection.collection('reminders').find({}).toArray();
          // A day before, an hour before, and overdue.
          expect(reminders.map(({ taskId }) => String(taskId))).toEqual(Array(3).fill(String(stored[0]!._id)));
        }, 25_000);
      } finally {
        await connection.close();
      }
    },
    60_000,
  );
});
