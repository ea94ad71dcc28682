import { setTimeout as delay } from 'node:timers/promises';
import { HEARTBEAT_MS } from '../../src/modules/notifications/realtime/event-streams.service.js';
import { signUp, type Client } from '../support/clients.js';
import { EventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { exchange, KeepAliveClient, startFleet, type Fleet } from '../support/fleet.js';
import { startNginx, UNLIMITED, type Nginx } from '../support/nginx.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { aTask } from '../support/tasks.js';

/** A user, and what their requests go through: whichever process has the address. */
interface Actor {
  readonly user: Client;
  readonly keepAlive: KeepAliveClient;
}

const told = ({ events }: EventSource): unknown[] => events.map(({ event, data }) => [event, data['taskId']]);
const numbers = (sources: readonly EventSource[]): number[] =>
  sources.flatMap(({ events }) => events.map(({ id }) => Number(id)));

describe('streams of events from two processes on one Redis', () => {
  let redis: RedisProcess;
  let fleet: Fleet;
  let urls: [string, string];

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(2, {
      REDIS_URL: redis.url,
      TRUST_PROXY: '1',
      DRAIN_SECONDS: '2',
      // 200 clients on a machine that is busy with other tests: its slowness is not what is tested.
      REQUEST_TIMEOUT_MS: '20000',
      MONGODB_OPERATION_TIMEOUT_MS: '20000',
      MONGODB_SERVER_SELECTION_TIMEOUT_MS: '20000',
      MONGODB_SOCKET_TIMEOUT_MS: '30000',
    });
    urls = fleet.processes.map(({ url }) => url) as typeof urls;
  });
  afterAll(async () => {
    await fleet?.stop();
    await redis?.stop();
  });

  const actors = async (count: number): Promise<Actor[]> => {
    const all: Actor[] = [];
    for (let n = 0; n < count; n++) {
      const user = await signUp({ url: urls[n % 2]! });
      all.push({ user, keepAlive: new KeepAliveClient(user.token, 4) });
    }
    return all;
  };

  it('tell 200 clients of every change once and in order, also those that go to the other process meanwhile', async () => {
    const CLIENTS_OF_A_USER = 4;
    const users = await actors(50);
    // The first two of each user stay where they are, the other two go over to the other process half-way.
    const places = (first: number): number[] => [0, 1, 0, 1].map((place) => (place + first) % 2);
    const streams = await Promise.all(
      users.flatMap(({ user }) =>
        places(0).map(async (place) => [await EventSource.open(urls[place]!, user.token)] as EventSource[]),
      ),
    );
    expect(streams).toHaveLength(200);
    const streamsOf = (index: number): EventSource[][] =>
      streams.slice(index * CLIENTS_OF_A_USER, (index + 1) * CLIENTS_OF_A_USER);

    const change = async ({ keepAlive }: Actor, index: number, round: number): Promise<[string, string][]> => {
      const api = `${urls[(index + round) % 2]!}/api/v1/tasks`;
      const created = await keepAlive.post(api, { title: `task ${round}` });
      expect(created.status).toBe(201);
      const { id } = JSON.parse(created.body) as { id: string };
      const bulk = {
        operations: [
          { op: 'update', id, task: { title: 'changed' } },
          { op: 'delete', id },
        ],
      };
      const { status, body } = await keepAlive.post(`${urls[index % 2]!}/api/v1/tasks/bulk`, bulk);
      expect([status, body]).toEqual([200, expect.not.stringContaining('problem')]);
      return ['task.created', 'task.updated', 'task.deleted'].map((name): [string, string] => [name, id]);
    };
    const move = async ({ user }: Actor, index: number): Promise<void> => {
      for (const [n, client] of streamsOf(index).slice(2).entries()) {
        const from = client[0]!;
        from.close();
        client.push(await EventSource.open(urls[1 - n]!, user.token, { lastEventId: from.lastEventId }));
      }
    };
    const made = await Promise.all(
      users.map(async (actor, index) => {
        const changes: [string, string][] = [];
        for (let round = 0; round < 4; round++) {
          changes.push(...(await change(actor, index, round)));
          if (round === 1) await move(actor, index);
        }
        return changes;
      }),
    );

    for (const [index, changes] of made.entries()) {
      const clients = streamsOf(index);
      await eventually(() => expect(numbers(clients[0]!)).toHaveLength(changes.length), 10_000);
      for (const client of clients) {
        await eventually(() => expect(numbers(client)).toHaveLength(changes.length), 10_000);
        // The same events with the same numbers for every client, and each number above the one before.
        expect(numbers(client)).toEqual(numbers(clients[0]!));
        expect(numbers(client)).toEqual([...new Set(numbers(client))].sort((a, b) => a - b));
        const events = client.flatMap(told) as [string, string][];
        for (const [, id] of changes)
          expect(events.filter(([, taskId]) => taskId === id)).toEqual(changes.filter(([, taskId]) => taskId === id));
      }
    }
    for (const client of streams.flat()) client.close();
    for (const { keepAlive } of users) keepAlive.close();
  });

  it('hear of a change sooner than they would by looking once a second, wherever it was made', async () => {
    const user = await signUp({ url: urls[0] });
    const keepAlive = new KeepAliveClient(user.token, 1);
    const sources = await Promise.all(urls.map((url) => EventSource.open(url, user.token)));
    const delays: number[] = [];
    for (let count = 1; count <= 12; count++) {
      await keepAlive.post(`${urls[count % 2]!}/api/v1/tasks`, { title: 'A task' });
      await eventually(() => expect(sources.some(({ events }) => events.length === count)).toBe(true));
      const firstMs = performance.now();
      await eventually(() => expect(sources.map(({ events }) => events.length)).toEqual([count, count]));
      delays.push(performance.now() - firstMs);
    }
    for (const source of sources) source.close();
    keepAlive.close();
    // Between the first client and the second. By looking alone it would be half a second, a quarter of them above 750 ms.
    expect(delays.sort((a, b) => a - b)[8]).toBeLessThan(200);
  });

  it('end at one process within a second after the session was ended at the other', async () => {
    const user = await signUp({ url: urls[0] });
    const sources = await Promise.all(urls.map((url) => EventSource.open(url, user.token)));
    await user.post('/auth/logout').expect(204);
    await eventually(() => expect(sources.map(({ closed }) => closed)).toEqual(['end', 'end']), 1000);
  });

  it('go on without Redis, a second or two later, and end with the session all the same', async () => {
    const [user, other] = [await signUp({ url: urls[0] }), await signUp({ url: urls[0] })];
    const there = await EventSource.open(urls[1], user.token);
    const ending = await EventSource.open(urls[1], other.token);
    await redis.kill('SIGSTOP');
    try {
      const { id } = await aTask(user);
      await eventually(() => expect(told(there)).toEqual([['task.created', id]]), 3000);
      await other.post('/auth/logout');
      await eventually(() => expect(ending.closed).toBe('end'), 1500);
    } finally {
      await redis.kill('SIGCONT');
    }
    const { id } = await aTask(user);
    await eventually(() => expect(told(there).at(-1)).toEqual(['task.created', id]), 3000);
    there.close();
    // Nobody can sign in at a process that has not noticed yet that Redis is back.
    for (const url of urls) {
      await eventually(async () => {
        const { body } = await exchange(`${url}/api/health/ready`);
        expect(JSON.parse(body)).toMatchObject({ status: 'ok' });
      }, 5000);
    }
  });

  describe('behind nginx', () => {
    let nginx: Nginx;
    beforeAll(async () => {
      nginx = await startNginx({ config: 'nginx.conf', upstreams: { api: urls }, changes: [UNLIMITED] });
    });
    afterAll(() => nginx?.stop());

    it('come through as they are: nothing is held back, compressed or kept', async () => {
      const user = await signUp(nginx);
      const source = await EventSource.open(nginx.url, user.token);
      expect(source.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      expect(source.headers['content-encoding']).toBeUndefined();
      for (let count = 1; count <= 5; count++) {
        await aTask(user);
        await eventually(() => expect(source.events).toHaveLength(count), 1000);
      }
      source.close();
      await eventually(() =>
        expect(nginx.accessLog().filter(({ path }) => path === '/api/v1/events')).toEqual([
          expect.objectContaining({ status: 200, bytes: expect.any(Number) }),
        ]),
      );
    });

    it('show every fifteen seconds that they live, longer than any request may take', async () => {
      const source = await EventSource.open(nginx.url, (await signUp(nginx)).token);
      const beginMs = performance.now();
      const beats: number[] = [];
      for (let n = 1; n <= 2; n++) {
        await eventually(() => expect(source.comments).toBe(n), HEARTBEAT_MS + 2000);
        beats.push(performance.now() - beginMs);
      }
      expect(beats[0]).toBeGreaterThan(HEARTBEAT_MS - 1000);
      expect(beats[1]).toBeGreaterThan(2 * HEARTBEAT_MS - 1000);
      expect(source.closed).toBeUndefined();
      source.close();
    });

    it('lose nothing for a client that comes back when its process was told to stop, or was killed', async () => {
      const user = await signUp(nginx);
      const keepAlive = new KeepAliveClient(user.token, 1);
      const client = new ReturningClient(nginx.url, user.token);
      const made: unknown[] = [];
      const createAt = async (url: string): Promise<void> => {
        const { body } = await keepAlive.post(`${url}/api/v1/tasks`, { title: 'A task' });
        made.push(['task.created', (JSON.parse(body) as { id: string }).id]);
        // A process that was killed may have been the one that relays: another one may begin 10 s later.
        await eventually(() => expect(client.told).toEqual(made), 20_000);
      };
      await eventually(() => expect(client.count).toBe(1));
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        for (const [index, other] of [
          [0, 1],
          [1, 0],
        ] as const) {
          const ended = fleet.processes[index]!.end(signal);
          await createAt(urls[other]);
          await ended;
          await createAt(urls[other]);
          await fleet.replace(index);
        }
      }
      client.stop();
      keepAlive.close();
      // It was at one of both each time, and had to leave at least every second time.
      expect(client.count).toBeGreaterThanOrEqual(3);
    });
  });
});

/** Comes back, as clients do, with the id it saw last. */
class ReturningClient {
  private readonly sources: EventSource[] = [];
  private isStopped = false;

  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {
    void this.run();
  }

  get count(): number {
    return this.sources.length;
  }

  get told(): unknown[] {
    return this.sources.flatMap(told);
  }

  stop(): void {
    this.isStopped = true;
    this.sources.at(-1)?.close();
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const { closed, lastEventId } = this.sources.at(-1) ?? { closed: 'end', lastEventId: undefined };
      const back = closed ? EventSource.open(this.url, this.token, { lastEventId }).catch(() => undefined) : undefined;
      const source = await back;
      if (source) this.sources.push(source);
      await delay(50);
    }
  }
}
