import { DeadLetters } from '../../src/core/events/dead-letters.js';
import { EventLog } from '../../src/core/events/event-log.repository.js';
import {
  EventTransport,
  MAX_ATTEMPTS,
  TransportUnavailable,
  type LoggedEvent,
} from '../../src/core/events/event-transport.js';
import { OutboxRepository } from '../../src/core/events/outbox.repository.js';
import { startTestDatabase, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { groupOf, startEventApp, type Group } from '../support/event-app.js';
import { eventually } from '../support/eventually.js';

const WITHIN_MS = 20_000;

/** What every transport promises. @param environment what chooses it */
export function eventTransportContract(environment: () => Record<string, string>): void {
  let database: Awaited<ReturnType<typeof startTestDatabase>>;
  let running: Pick<TestApp, 'app' | 'url'>[];
  let mine: Group;
  let other: Group;
  let ada: Client;
  /** Groups have names of their own in each test: a broker keeps what another test has left. */
  let test = 0;

  const start = async (...groups: Group[]): Promise<Pick<TestApp, 'app' | 'url'>> => startAs('all', ...groups);
  const startAs = async (role: string, ...groups: Group[]): Promise<Pick<TestApp, 'app' | 'url'>> => {
    const app = await startEventApp(database.uri, groups, { ...environment(), ROLE: role });
    running.push(app);
    return app;
  };
  const stop = async (): Promise<void> => {
    for (const { app } of running.splice(0)) await app.close();
  };

  beforeEach(async () => {
    database = await startTestDatabase();
    running = [];
    const letter = 'abcdefghijklmnopqrstuvwxyz'[test++]!;
    mine = groupOf(`mine-${letter}`, 'task.created', 'task.updated');
    other = groupOf(`other-${letter}`, 'task.created', 'user.registered');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stop();
    await database.close();
  });

  const create = async (who: Client, title: string): Promise<string> =>
    ((await who.post('/tasks').send({ title }).expect(201)).body as { id: string }).id;
  const tasksOf = ({ seen }: Group, who: Client = ada): unknown[] =>
    seen.filter(({ owner }) => owner === who.user.id).map(({ facts }) => facts['taskId']);

  /** Of what the tests subscribe to. */
  const logOf = async ({ app }: Pick<TestApp, 'app'>): Promise<LoggedEvent[]> =>
    (await app.get(EventLog).read(ada.user.id, 0, 100)).filter(({ name }) =>
      [...mine.names, ...other.names].includes(name),
    );

  it('brings an event to each group that subscribes to its name, with its place in the log', async () => {
    const app = await start(mine, other);
    ada = await signUp(app);
    const id = await create(ada, 'A task');
    await ada.patch(`/tasks/${id}`).send({ title: 'Another' }).expect(200);
    await eventually(() => {
      expect(mine.seen.map(({ name }) => name)).toEqual(['task.created', 'task.updated']);
      // The user and the task are two documents, and each is published by itself.
      expect(other.seen.map(({ name }) => name).toSorted()).toEqual(['task.created', 'user.registered']);
    }, WITHIN_MS);
    const logged = await logOf(app);
    expect(logged).toHaveLength(3);
    expect(mine.seen).toEqual(logged.filter(({ name }) => mine.names.includes(name)));
    expect(other.seen.toSorted((a, b) => a.seq - b.seq)).toEqual(
      logged.filter(({ name }) => other.names.includes(name)),
    );
  });

  it('keeps the events of an owner in order, whichever fails for a while', async () => {
    const app = await start(mine);
    [ada] = [await signUp(app)];
    const bob = await signUp(app);
    const failed = new Map<string, number>();
    mine.refuse = ({ id }) => {
      const times = (failed.get(id) ?? 0) + 1;
      failed.set(id, times);
      if (times < 3) throw new Error('not now');
    };
    const adas: string[] = [];
    for (let i = 0; i < 5; i++) adas.push(await create(ada, `Task ${i}`));
    const bobs = [await create(bob, 'Of Bob')];
    await eventually(() => expect(mine.seen).toHaveLength(18), WITHIN_MS);
    expect(tasksOf(mine)).toEqual(adas.flatMap((id) => [id, id, id]));
    expect(tasksOf(mine, bob)).toEqual([...bobs, ...bobs, ...bobs]);
  });

  it(`makes an event that keeps failing a dead letter after ${MAX_ATTEMPTS} attempts, and the rest flows`, async () => {
    const app = await start(mine);
    ada = await signUp(app);
    const bob = await signUp(app);
    let isPoison = true;
    let poison: string | undefined;
    mine.refuse = ({ facts }) => {
      poison ??= String(facts['taskId']);
      if (isPoison && facts['taskId'] === poison) throw new Error('it disagrees with me');
    };
    await create(ada, 'Poison');
    await eventually(() => expect(poison).toBeDefined(), WITHIN_MS);
    const [next, bobs] = [await create(ada, 'Behind it'), await create(bob, 'Of somebody else')];
    const letters = app.app.get(DeadLetters);
    await eventually(async () => expect(await letters.list(10)).toHaveLength(1), WITHIN_MS);
    await eventually(
      () => expect(tasksOf(mine)).toEqual([...Array<string>(MAX_ATTEMPTS).fill(poison!), next]),
      WITHIN_MS,
    );
    await eventually(() => expect(tasksOf(mine, bob)).toEqual([bobs]), WITHIN_MS);
    const [letter] = await letters.list(10);
    expect(letter).toMatchObject({
      id: `${mine.group}.${mine.seen[0]!.id}`,
      kind: 'event',
      group: mine.group,
      name: 'task.created',
      owner: ada.user.id,
      error: 'it disagrees with me',
      attempts: MAX_ATTEMPTS,
    });
    await expect(letters.retry(letter!.id)).rejects.toThrow('it disagrees with me');
    expect((await letters.list(10))[0]!.attempts).toBe(MAX_ATTEMPTS + 1);
    isPoison = false;
    expect(await letters.retry(letter!.id)).toBe(true);
    expect(mine.seen.at(-1)).toEqual(mine.seen[0]);
    expect(await letters.list(10)).toEqual([]);
    expect(await letters.retry(letter!.id)).toBe(false);
  });

  it('brings a published event although the process died before it could take it off the document', async () => {
    const app = await start(mine);
    ada = await signUp(app);
    const rewrite = jest
      .spyOn(OutboxRepository.prototype, 'rewriteAll')
      .mockImplementation(() => Promise.reject(new Error('as good as dead')));
    const each = jest.spyOn(OutboxRepository.prototype, 'postpone').mockImplementation(() => Promise.resolve());
    const id = await create(ada, 'A task');
    await eventually(() => expect(rewrite.mock.calls.length).toBeGreaterThan(3), WITHIN_MS);
    rewrite.mockRestore();
    each.mockRestore();
    await eventually(() => expect(tasksOf(mine)).toContain(id), WITHIN_MS);
    const ids = new Set(mine.seen.map((event) => event.id));
    const places = new Set(mine.seen.map(({ seq }) => seq));
    expect([ids.size, places.size]).toEqual([1, 1]);
    expect((await logOf(app)).map(({ name }) => name).toSorted()).toEqual(['task.created', 'user.registered']);
  });

  it('loses nothing that was written while it could not be published', async () => {
    const app = await start(mine);
    ada = await signUp(app);
    const transport = app.app.get(EventTransport);
    const publishes = transport.publish.bind(transport);
    // Not restored: the relay may have it in its hand, and of a restored mock the answer would be "published".
    let isAway = true;
    const publish = jest
      .spyOn(transport, 'publish')
      .mockImplementation((events) =>
        isAway ? Promise.reject(new TransportUnavailable('no transport')) : publishes(events),
      );
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await create(ada, `Task ${i}`));
    await eventually(() => expect(publish.mock.calls.length).toBeGreaterThan(1), WITHIN_MS);
    isAway = false;
    await eventually(() => expect(new Set(tasksOf(mine))).toEqual(new Set(ids)), WITHIN_MS);
  });

  it('brings what an API process has written to one of the workers, whenever they come', async () => {
    const app = await startAs('api', mine);
    ada = await signUp(app);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) ids.push(await create(ada, `Task ${i}`));
    const [first, second] = [1, 2].map(() => groupOf(mine.group, ...mine.names));
    await startAs('worker', first!);
    await startAs('worker', second!);
    await eventually(() => expect(tasksOf(first!).length + tasksOf(second!).length).toBe(10), WITHIN_MS);
    ids.push(await create(ada, 'Later'));
    await eventually(() => expect([...tasksOf(first!), ...tasksOf(second!)]).toEqual(ids), WITHIN_MS);
    expect(mine.seen).toEqual([]);
  });
}
