import mongoose, { type Connection } from 'mongoose';
import { MODULE_NAMES, type ModuleName } from '../../src/config/modules.js';
import type { PendingEvent } from '../../src/core/events/domain-event.js';
import { EventBus } from '../../src/core/events/event-bus.js';
import { OutboxRepository } from '../../src/core/events/outbox.repository.js';
import { Clock } from '../../src/core/time/clock.js';
import { PURGE_AGAIN_MS } from '../../src/modules/users/user.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';

/** What waits in a user's document, as it is stored. */
interface Waiting {
  readonly pending?: readonly PendingEvent[];
  readonly delivery?: { readonly to: readonly string[] };
}

type Rewrite = Parameters<OutboxRepository['rewrite']>;

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let connection: Connection;
let apps: TestApp[];
beforeEach(async () => {
  database = await startTestDatabase();
  connection = await mongoose.createConnection(database.uri).asPromise();
  apps = [];
});
afterEach(async () => {
  for (const app of apps) await app.close();
  await connection.close();
  await database.close();
});

const start = async (...modules: ModuleName[]): Promise<TestApp> => {
  const app = await startTestApp({ MONGODB_URI: database.uri, MODULES: modules.join(',') });
  apps.push(app);
  return app;
};
const stop = async (app: TestApp): Promise<void> => {
  apps = apps.filter((other) => other !== app);
  await app.close();
};
const waitingFor = async ({ user }: Client): Promise<(readonly [name: string, modules?: readonly string[]])[]> => {
  const found = await connection.collection('users').findOne({ _id: new mongoose.Types.ObjectId(user.id) });
  return ((found ?? {}) as Waiting).pending?.map((event) => [event.name, event.for] as const) ?? [];
};
const isStored = ({ user }: Client): Promise<boolean> =>
  connection
    .collection('users')
    .countDocuments({ _id: new mongoose.Types.ObjectId(user.id) })
    .then((count) => count > 0);
const deleteAccount = (user: Client) => user.delete('/users/me').send({ password: user.password }).expect(204);
const ahead = (ms: number): void => {
  for (const { app } of apps) jest.spyOn(app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + ms));
};

describe('an event', () => {
  it('waits for a module that is in no process, and holds up no other', async () => {
    const ada = await signUp(await start('auth', 'users', 'notifications', 'admin'));
    await deleteAccount(ada);
    await eventually(async () =>
      expect(await waitingFor(ada)).toEqual([
        ['user.deleted', ['tasks']],
        ['user.purge_due', undefined],
      ]),
    );
    ahead(PURGE_AGAIN_MS + 1000);
    const forTasks = [
      ['user.deleted', ['tasks']],
      ['user.purge_due', ['tasks']],
    ];
    await eventually(async () => expect(await waitingFor(ada)).toEqual(forTasks));
    const tasks = await start('tasks');
    const delivered = jest.spyOn(tasks.app.get(EventBus), 'deliver');
    ahead(PURGE_AGAIN_MS + 2000);
    await eventually(async () => expect(await isStored(ada)).toBe(false));
    expect(delivered.mock.calls.map(([module, { name }]) => [module, name])).toEqual([
      ['tasks', 'user.deleted'],
      ['tasks', 'user.purge_due'],
    ]);
  });

  it('that waits for a module in no process is late for who watches', async () => {
    const app = await start('auth', 'users', 'notifications', 'admin');
    const ada = await signUp(app);
    await deleteAccount(ada);
    const lag = async (): Promise<number> =>
      Number(/^taskflow_outbox_lag_seconds (\S+)$/m.exec((await app.http.get('/metrics').expect(200)).text)![1]);
    await eventually(async () => expect(await waitingFor(ada)).toContainEqual(['user.deleted', ['tasks']]));
    await eventually(async () => expect(await lag()).toBeGreaterThan(2), 15_000);
    await start('tasks');
    await eventually(async () => expect(await lag()).toBe(0), 15_000);
  });

  it('comes again to the module that failed, and to no other', async () => {
    const app = await start(...MODULE_NAMES);
    const bus = app.app.get(EventBus);
    const deliver = bus.deliver.bind(bus);
    const seen: [ModuleName, string][] = [];
    jest.spyOn(bus, 'deliver').mockImplementation(async (module, event) => {
      seen.push([module, event.name]);
      if (module === 'auth' && seen.filter(([name]) => name === 'auth').length < 3) throw new Error('not now');
      await deliver(module, event);
    });
    const ada = await signUp(app);
    await deleteAccount(ada);
    await eventually(async () => expect(await waitingFor(ada)).toEqual([['user.purge_due', undefined]]), 15_000);
    const count = (module: ModuleName): number => seen.filter(([name]) => name === module).length;
    expect(MODULE_NAMES.map((module) => [module, count(module)])).toEqual([
      ['auth', 3],
      ['users', 1],
      ['tasks', 1],
      ['notifications', 1],
      ['admin', 1],
    ]);
  });

  it('is finished by modules that finish at the same moment, and by each once', async () => {
    const processes = await Promise.all(MODULE_NAMES.map((module) => start(module)));
    // Everybody has read the document before the first one writes.
    const { rewrite } = OutboxRepository.prototype as {
      rewrite: (this: OutboxRepository, ...args: Rewrite) => Promise<void>;
    };
    let arrived = 0;
    let open!: () => void;
    const all = new Promise<void>((resolve) => (open = resolve));
    const [auth, users] = processes;
    const ada = await signUp(auth!);
    jest.spyOn(OutboxRepository.prototype, 'rewrite').mockImplementation(async function (
      this: OutboxRepository,
      ...args
    ) {
      const [carrier] = args;
      if (carrier.pending.some((event) => event.for)) {
        if (++arrived === MODULE_NAMES.length) open();
        await all;
      }
      return rewrite.apply(this, args);
    });
    const delivered = processes.map(({ app }) => jest.spyOn(app.get(EventBus), 'deliver'));
    const { token, password } = ada;
    await users!.http.delete('/api/v1/users/me').set('authorization', `Bearer ${token}`).send({ password }).expect(204);
    await eventually(async () => expect(await waitingFor(ada)).toEqual([['user.purge_due', undefined]]), 15_000);
    expect(delivered.map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1, 1, 1]);
    jest.restoreAllMocks();
    ahead(PURGE_AGAIN_MS + 1000);
    await eventually(async () => expect(await isStored(ada)).toBe(false), 15_000);
  });

  it('leaves nothing behind in the document', async () => {
    const app = await start(...MODULE_NAMES);
    const ada = await signUp(app);
    await ada.post('/auth/logout-all').expect(204);
    const user = { _id: new mongoose.Types.ObjectId(ada.user.id) };
    await eventually(async () => {
      const found = await connection.collection('users').findOne(user);
      expect(Object.keys(found!)).toEqual(expect.not.arrayContaining(['pending', 'pendingAt', 'delivery']));
    });
  });
});

describe('background work', () => {
  const leases = async (): Promise<string[]> =>
    (
      await connection
        .collection<{ _id: string }>('leases')
        .find({ _id: /^background(:[a-z]+)?$/ })
        .toArray()
    )
      .map(({ _id }) => _id)
      .toSorted();

  it('of a module is done where it is served, and given back at the end', async () => {
    const tasks = await start('tasks');
    await eventually(async () => expect(await leases()).toEqual(['background', 'background:tasks']));
    await start('auth', 'admin');
    const all = ['background', 'background:admin', 'background:auth', 'background:tasks'];
    await eventually(async () => expect(await leases()).toEqual(all));
    await stop(tasks);
    // Any process publishes.
    await eventually(async () => expect(await leases()).toEqual(['background', 'background:admin', 'background:auth']));
  });
});
