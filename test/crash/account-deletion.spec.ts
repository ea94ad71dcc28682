import mongoose from 'mongoose';
import { once } from 'node:events';
import request from 'supertest';
import { PURGE_AGAIN_MS } from '../../src/modules/users/user.js';
import { signIn, signUp, type Client } from '../support/clients.js';
import { crashingApp, moveClock, type Running } from '../support/crashing-app.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';

const NAME = 'Zoe Quicksilver';
const TITLE = 'water the orchids';

describe('an account deletion that kill -9 interrupts', () => {
  const { start } = crashingApp();

  /** A user with tasks, one of them in the trash, a second session, and a cached profile. */
  const settle = async (running: Running): Promise<Client> => {
    const zoe = await signUp(running, { name: NAME });
    await signIn(running, zoe);
    for (let i = 0; i < 3; i++)
      await zoe
        .post('/tasks')
        .send({ title: `${TITLE} ${i}` })
        .expect(201);
    const { body } = await zoe.get('/tasks').expect(200);
    await zoe.delete(`/tasks/${body.items[0].id}`).expect(204);
    await zoe.get('/users/me').expect(200);
    return zoe;
  };

  /** Deletes the account in a process that dies on the way. */
  const interrupted = async (step: string): Promise<Client> => {
    const running = await start(step);
    const zoe = await settle(running);
    const death = once(running.child, 'exit');
    const answered = zoe
      .delete('/users/me')
      .send({ password: zoe.password })
      .then(
        ({ status }) => status,
        () => 'the connection broke',
      );
    // What comes after the longest request, the relay does once the clock says so.
    if (step === 'second purge delivered') {
      expect(await answered).toBe(204);
      moveClock(running, PURGE_AGAIN_MS + 1000);
    }
    expect(await death).toEqual([null, 'SIGKILL']);
    return zoe;
  };

  const expectRefused = async ({ url }: Running, zoe: Client): Promise<void> => {
    const api = request(url);
    const me = await api.get('/api/v1/users/me').set('authorization', `Bearer ${zoe.token}`);
    expectProblem(me, 401, 'auth.token_invalid');
    const task = await api.post('/api/v1/tasks').set('authorization', `Bearer ${zoe.token}`).send({ title: TITLE });
    expectProblem(task, 401, 'auth.token_invalid');
    const { refreshToken, email, password } = zoe;
    expectProblem(await api.post('/api/v1/auth/refresh').send({ refreshToken }), 401, 'auth.refresh_invalid');
    expectProblem(await api.post('/api/v1/auth/login').send({ email, password }), 401, 'auth.invalid_credentials');
  };

  const expectGone = async ({ databaseUri }: Running, zoe: Client, withinMs: number): Promise<void> => {
    const connection = await mongoose.createConnection(databaseUri).asPromise();
    try {
      await eventually(async () => {
        const left: string[] = [];
        for (const { name } of await connection.db!.listCollections().toArray()) {
          // What refuses the old tokens names the user until they have expired.
          if (name === 'revocations') continue;
          for (const document of await connection.db!.collection(name).find().toArray()) {
            const text = JSON.stringify(document);
            if ([zoe.user.id, zoe.email, NAME, TITLE].some((trace) => text.includes(trace)))
              left.push(`${name}: ${text}`);
          }
        }
        expect(left).toEqual([]);
      }, withinMs);
    } finally {
      await connection.close();
    }
  };

  it.each([
    'user written',
    'tokens refused',
    'sessions ended',
    'tasks purged',
    'deletion published',
    'first purge delivered',
    'second purge delivered',
  ])('is finished after a restart: killed after "%s"', async (step) => {
    const zoe = await interrupted(step);
    const again = await start();
    await expectRefused(again, zoe);
    // The lease of the dead process runs out and the second purge comes due.
    moveClock(again, PURGE_AGAIN_MS + 30_000);
    await expectGone(again, zoe, 20_000);
    const successor = await signUp(again, { email: zoe.email });
    expect(successor.user.id).not.toBe(zoe.user.id);
    await expectRefused(again, { ...zoe, password: 'another than the new one' });
  });

  it('spares the account that took over the e-mail while the old one was being purged', async () => {
    const zoe = await interrupted('user written');
    const again = await start();
    const successor = await signUp(again, { email: zoe.email });
    await successor.post('/tasks').send({ title: 'sow radishes' }).expect(201);
    moveClock(again, PURGE_AGAIN_MS + 30_000);
    const connection = await mongoose.createConnection(again.databaseUri).asPromise();
    const ids = async (): Promise<string[]> =>
      (await connection.db!.collection('users').find().toArray()).map(({ _id }) => String(_id));
    await eventually(async () => expect(await ids()).toEqual([successor.user.id]), 20_000);
    await connection.close();
    moveClock(again, 0);
    expect((await successor.get('/tasks').expect(200)).body.items).toMatchObject([{ title: 'sow radishes' }]);
  });

  it('is finished within a minute of real time', async () => {
    const zoe = await interrupted('user written');
    await expectGone(await start(), zoe, 60_000);
  });
});
