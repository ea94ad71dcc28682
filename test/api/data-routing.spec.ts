import { Clock } from '../../src/core/time/clock.js';
import { MongoServer } from '../../src/embedded/mongo/index.js';
import { TrashSweeper } from '../../src/modules/tasks/trash.sweeper.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { MongoWire, type WireCommand } from '../support/mongo-wire.js';
import { aTask, taskModel, tasks } from '../support/tasks.js';

const DAY_MS = 24 * 60 * 60 * 1000;

let server: MongoServer;
let wire: MongoWire;
let app: TestApp;
let ada: Client;
let admin: Client;

beforeAll(async () => {
  server = await MongoServer.open({});
  wire = await MongoWire.to(server.uri);
  app = await startTestApp({ MONGODB_URI: wire.uri('routing') });
  [ada, admin] = [await signUp(app), await signUpAdmin(app)];
});
afterAll(async () => {
  await app.close();
  await wire.close();
  await server.close();
});
beforeEach(() => void wire.commands.splice(0));
afterEach(() => jest.restoreAllMocks());

/** What tells a server which documents are meant: of each statement its filter, or what is inserted. */
function scopes({ name, body }: WireCommand): Record<string, unknown>[] {
  switch (name) {
    case 'insert':
      return body['documents'] as Record<string, unknown>[];
    case 'update':
      return (body['updates'] as { q: Record<string, unknown> }[]).map(({ q }) => q);
    case 'delete':
      return (body['deletes'] as { q: Record<string, unknown> }[]).map(({ q }) => q);
    case 'aggregate':
      return [(body['pipeline'] as { $match?: Record<string, unknown> }[])[0]!.$match ?? {}];
    case 'find':
      return [body['filter'] as Record<string, unknown>];
    case 'findAndModify':
    case 'count':
    case 'distinct':
      return [body['query'] as Record<string, unknown>];
    default:
      throw new Error(`a command that this test does not know: ${name}`);
  }
}

const isOfOneOwner = ({ owner }: Record<string, unknown>): boolean =>
  typeof owner === 'object' && owner !== null && ('_bsontype' in owner || '$eq' in owner);

/** The shape of what is asked without an owner: `find place, deletedAt`. */
const ownerless = (collection: string): string[] =>
  wire.take(collection).flatMap((command) =>
    scopes(command)
      .filter((scope) => !isOfOneOwner(scope))
      .map((scope) => `${command.name} ${Object.keys(scope).join(', ')}`),
  );

/** The relay's look, over an index that holds only what waits. */
const OF_THE_RELAY = 'find pendingAt';

describe('Every command on tasks names one owner, by whom they are sharded:', () => {
  const requests: [what: string, send: () => PromiseLike<unknown>][] = [
    ['to create one', () => aTask(ada)],
    [
      'to create one with a key, again, and after the key has expired',
      async () => {
        const create = () => ada.post('/tasks').set('idempotency-key', 'a').send({ title: 'a' });
        await create().expect(201);
        await create().expect(201).expect('idempotency-replayed', 'true');
        const model = taskModel(app);
        await model.updateOne({ 'idem.key': 'a' }, { 'idem.at': new Date(Date.now() - 25 * 60 * 60 * 1000) });
        wire.commands.splice(0);
        const answer = await create().expect(201);
        expect(answer.headers['idempotency-replayed']).toBeUndefined();
      },
    ],
    ['to read, change, replace, trash, restore and remove one', () => aLife(ada)],
    [
      'in bulk',
      async () => {
        const [task] = await tasks(ada, [{}, {}]);
        const operations = [
          { op: 'update', id: task!.id, task: { title: 'b' } },
          { op: 'delete', id: task!.id },
          { op: 'restore', id: task!.id },
        ];
        const answer = await ada.post('/tasks/bulk').send({ operations }).expect(200);
        expect((answer.body as { results: { status: number }[] }).results.map(({ status }) => status)).toEqual([
          200, 204, 200,
        ]);
      },
    ],
    ...[
      '?limit=1',
      '?trashed=true',
      '?status=todo,done&priority=high&tag=a',
      '?overdue=true',
      '?dueAfter=2026-01-01T00:00:00Z&sort=dueAt',
      '?sort=-title',
      '?sort=priority&limit=2',
      '?q=task',
      '?q=task&sort=relevance',
    ].map((query): [string, () => PromiseLike<unknown>] => [
      `in the list ${query}, and its next page`,
      async () => {
        const page = await ada.get(`/tasks${query}`).expect(200);
        const { nextCursor } = page.body as { nextCursor: string | null };
        if (nextCursor !== null) await ada.get(`/tasks${query}&cursor=${nextCursor}`).expect(200);
      },
    ]),
    ['in the numbers', () => ada.get('/tasks/stats')],
    [
      'to remove a deleted account’s',
      async () => {
        const bob = await signUp(app);
        await aTask(bob);
        await bob.delete('/users/me').send({ password: bob.password }).expect(204);
        await eventually(() => expect(wire.commands.some(({ name }) => name === 'delete')).toBe(true));
      },
    ],
  ];

  it.each(requests)('%s', async (_what, send) => {
    await send();
    expect(wire.commands.some(({ collection }) => collection === 'tasks')).toBe(true);
    expect(ownerless('tasks').filter((shape) => shape !== OF_THE_RELAY)).toEqual([]);
  });

  it('apart from the sweeper of the trash, the admin’s numbers and the relay', async () => {
    await aTask(ada);
    await aLife(ada);
    const sweeper = app.app.get(TrashSweeper);
    await ada.delete(`/tasks/${(await aTask(ada)).id}`).expect(204);
    jest.spyOn(app.app.get(Clock), 'now').mockReturnValue(new Date(Date.now() + 31 * DAY_MS));
    await sweeper.sweep();
    jest.restoreAllMocks();
    await admin.get('/admin/stats').expect(200);
    const elsewhere = ['find place, deletedAt', 'aggregate place', 'aggregate place, createdAt'];
    const seen = new Set<string>();
    // The relay looks when it is time.
    await eventually(() => {
      for (const shape of ownerless('tasks')) seen.add(shape);
      expect(seen).toEqual(new Set([OF_THE_RELAY, ...elsewhere]));
    });
  });
});

async function aLife(client: Client): Promise<void> {
  const path = `/tasks/${(await aTask(client)).id}`;
  await client.get(path).expect(200);
  await client.patch(path).send({ status: 'done' }).expect(200);
  await client.put(path).send({ title: 'b' }).expect(200);
  await client.delete(path).expect(204);
  await client.post(`${path}/restore`).expect(200);
  await client.delete(`${path}?permanent=true`).expect(204);
}

describe('MONGODB_READ_PREFERENCE', () => {
  const preferences = (): string[] => [
    ...new Set(
      wire.commands
        .splice(0)
        .filter(({ name }) => ['find', 'aggregate', 'count', 'distinct'].includes(name))
        .map(
          ({ collection, body }) =>
            `${String(collection)} ${(body['$readPreference'] as { mode?: string })?.mode ?? 'primary'}`,
        ),
    ),
  ];

  let admin: Client;
  let ada: Client;
  let app: TestApp;
  // Of its own: the numbers that another test asked for are cached.
  beforeAll(async () => {
    app = await startTestApp({
      MONGODB_URI: wire.uri('preferences'),
      MONGODB_READ_PREFERENCE: 'secondaryPreferred',
    });
    [ada, admin] = [await signUp(app), await signUpAdmin(app)];
  });
  afterAll(() => app.close());

  it('decides from where the admin’s numbers, users and audit are read', async () => {
    await admin.get('/admin/stats').expect(200);
    await admin.get('/admin/users?q=ada').expect(200);
    await admin.get('/admin/audit').expect(200);
    const shown = preferences().filter((line) => line.endsWith('secondaryPreferred'));
    expect(new Set(shown)).toEqual(
      new Set(['users secondaryPreferred', 'tasks secondaryPreferred', 'audit secondaryPreferred']),
    );
  });

  it('is nothing to a user’s own data, sessions and standing, which come from the primary', async () => {
    const carol = await signIn(app, await signUp(app));
    await aLife(carol);
    for (const path of [
      '/tasks',
      '/tasks?q=a',
      '/tasks?q=a&sort=relevance',
      '/tasks/stats',
      '/users/me',
      '/auth/sessions',
    ])
      await carol.get(path).expect(200);
    await carol.post('/auth/refresh').send({ refreshToken: carol.refreshToken }).expect(200);
    const read = preferences();
    expect(read).toEqual(expect.arrayContaining(['tasks primary', 'users primary', 'sessions primary']));
    expect(read.filter((line) => !line.endsWith(' primary'))).toEqual([]);
  });

  it('is nothing to an admin’s decisions: one user, and how many admins there are', async () => {
    await admin.get(`/admin/users/${ada.user.id}`).expect(200);
    await admin.patch(`/admin/users/${ada.user.id}`).send({ role: 'admin' }).expect(200);
    await admin.patch(`/admin/users/${ada.user.id}`).send({ role: 'user' }).expect(200);
    expect(preferences().filter((line) => !line.endsWith(' primary'))).toEqual([]);
  });
});
