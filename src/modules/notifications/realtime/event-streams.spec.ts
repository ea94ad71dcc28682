import { fastify, type FastifyInstance } from 'fastify';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { EventSource } from '../../../../test/support/event-source.js';
import { eventually } from '../../../../test/support/eventually.js';
import type { LoggedEvent } from '../../../core/events/event-transport.js';
import { EventStream } from '../../../core/http/event-stream.js';
import { Metrics } from '../../../core/metrics/metrics.js';
import type { Principal } from '../../../core/security/principal.js';
import { Clock } from '../../../core/time/clock.js';
import { EventStreams, MAX_STREAMS } from './event-streams.service.js';

/** A log in memory that counts how often it is read, and tells of nothing by itself. */
class FakeLog {
  readonly events: LoggedEvent[] = [];
  isAway = false;
  /** Whoever asks what is new is told nothing. */
  isMute = false;
  reads = 0;
  private listener: (owner: string) => void = () => undefined;

  append(owner: string, count: number, fields: readonly string[] = []): void {
    for (let n = 0; n < count; n++) {
      const seq = Math.max((this.events.at(-1)?.seq ?? 0) + 1, Date.now());
      const facts = { taskId: `task-${seq}`, owner, fields };
      this.events.push({ id: `event-${seq}`, owner, seq, name: 'task.updated', at: new Date(), facts });
    }
  }

  tell(owner: string): void {
    this.listener(owner);
  }

  onAppended(listener: (owner: string) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  async read(owner: string, after: number, limit: number): Promise<LoggedEvent[]> {
    this.reads++;
    // Not at once, as a database is.
    await new Promise(setImmediate);
    if (this.isAway) throw new Error('away');
    return this.events.filter((event) => event.owner === owner && event.seq > after).slice(0, limit);
  }

  head(owner: string): Promise<number> {
    return Promise.resolve(this.events.findLast((event) => event.owner === owner)?.seq ?? 0);
  }

  isKept = (): boolean => true;

  movedBeyond(seen: ReadonlyMap<string, number>): Promise<string[]> {
    if (this.isAway) return Promise.reject(new Error('away'));
    if (this.isMute) return Promise.resolve([]);
    const moved = [...seen].filter(([owner, seq]) => this.events.some((one) => one.owner === owner && one.seq > seq));
    return Promise.resolve(moved.map(([owner]) => owner));
  }
}

describe('the streams of a process', () => {
  let log: FakeLog;
  let server: FastifyInstance;
  let streams: EventStreams;
  let url: string;
  let bad: Set<string>;
  let opened: number;
  let failures: unknown[];
  const readiness = { isDraining: false };

  beforeEach(async () => {
    log = new FakeLog();
    bad = new Set();
    [opened, failures] = [0, []];
    readiness.isDraining = false;
    server = fastify();
    server.decorateReply('streamBegins', () => undefined);
    const adapterHost = { httpAdapter: { getHttpServer: () => server.server } };
    const tokens = { isGood: ({ userId }: Principal) => !bad.has(userId) };
    streams = new EventStreams(
      log as never,
      tokens as never,
      readiness as never,
      new Clock(),
      adapterHost as never,
      new Metrics(),
    );
    streams.onModuleInit();
    streams.onApplicationBootstrap();
    server.get('/api/v1/events', async (request, reply) => {
      const userId = request.headers.authorization!.slice('Bearer '.length);
      const last = request.headers['last-event-id'] as string | undefined;
      reply.hijack();
      try {
        await streams.open({ userId } as Principal, last, request, reply);
        opened++;
      } catch (error) {
        failures.push(error);
        reply.raw.writeHead(500).end();
      }
    });
    url = await server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    streams.beforeApplicationShutdown();
    await server.close();
  });

  const seqs = ({ events }: EventSource): number[] => events.map(({ id }) => Number(id));
  const all = (owner: string): number[] => log.events.filter((one) => one.owner === owner).map(({ seq }) => seq);

  it('serve all streams of an owner by one reading, and nobody else', async () => {
    const [first, second, other] = await Promise.all([
      EventSource.open(url, 'ada'),
      EventSource.open(url, 'ada'),
      EventSource.open(url, 'bob'),
    ]);
    log.append('ada', 1);
    const before = log.reads;
    log.tell('ada');
    await eventually(() => expect([seqs(first), seqs(second)]).toEqual([all('ada'), all('ada')]));
    expect(log.reads - before).toBe(1);
    expect(other.events).toEqual([]);
  });

  it('tell what is appended while they read, and read on until nothing is left', async () => {
    log.isMute = true;
    log.append('ada', 250);
    const place = String(log.events[0]!.seq);
    const source = await EventSource.open(url, 'ada', { lastEventId: place });
    log.append('ada', 5);
    log.tell('ada');
    await eventually(() => expect(seqs(source)).toEqual(all('ada').slice(1)));
  });

  it('bring one who comes back with what it has missed, and the others nothing twice', async () => {
    log.isMute = true;
    const there = await EventSource.open(url, 'ada');
    log.append('ada', 150);
    log.tell('ada');
    await eventually(() => expect(there.events).toHaveLength(150));
    const back = await EventSource.open(url, 'ada', { lastEventId: there.events[9]!.id });
    await eventually(() => expect(seqs(back)).toEqual(all('ada').slice(10)));
    expect(seqs(there)).toEqual(all('ada'));
  });

  it('find within a second or so what nobody told them of', async () => {
    const source = await EventSource.open(url, 'ada');
    log.append('ada', 3);
    await eventually(() => expect(seqs(source)).toEqual(all('ada')), 2500);
  });

  it('go on after the log was away', async () => {
    const source = await EventSource.open(url, 'ada');
    log.isAway = true;
    log.append('ada', 3);
    log.tell('ada');
    await eventually(() => expect(log.reads).toBeGreaterThan(1));
    log.isAway = false;
    await eventually(() => expect(seqs(source)).toEqual(all('ada')), 2500);
  });

  it('leave out what is not for clients, and go on behind it', async () => {
    log.isMute = true;
    const source = await EventSource.open(url, 'ada');
    log.append('ada', 120);
    for (const event of log.events) Object.assign(event, { name: 'user.password_reset_requested' });
    log.append('ada', 1);
    log.tell('ada');
    await eventually(() => expect(seqs(source)).toEqual(all('ada').slice(-1)));
    expect(Object.keys(source.events[0]!.data).sort()).toEqual(['at', 'fields', 'id', 'name', 'taskId']);
  });

  it(`are at most ${MAX_STREAMS} of one user, however many come at once`, async () => {
    const asked = await Promise.allSettled(Array.from({ length: 25 }, () => EventSource.open(url, 'ada')));
    const opened = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(opened).toHaveLength(MAX_STREAMS);
    await EventSource.open(url, 'bob');
    opened[0]!.close();
    await eventually(() => EventSource.open(url, 'ada'));
  });

  it('begin no more for a request that was given up meanwhile', async () => {
    let answer: ServerResponse | undefined;
    server.server.prependOnceListener('request', (_request, response: ServerResponse) => (answer = response));
    jest.spyOn(log, 'head').mockImplementation(() => {
      // Begun and not sent completely.
      answer!.writeHead(503).write('given up');
      return Promise.resolve(0);
    });
    const asked = fetch(`${url}/api/v1/events`, { headers: { authorization: 'Bearer ada' } });
    await eventually(() => expect(opened).toBe(1));
    answer!.end();
    const { status } = await asked;
    expect([status, await (await asked).text(), failures]).toEqual([503, 'given up', []]);
  });

  it('end when the token is good no more, and tell nothing from then on', async () => {
    const source = await EventSource.open(url, 'ada');
    bad.add('ada');
    await eventually(() => expect(source.closed).toBe('end'), 500);
    log.append('ada', 1);
    log.tell('ada');
    expect(source.events).toEqual([]);
  });

  it('end when the process begins to drain; who comes then stays until it listens no more', async () => {
    const source = await EventSource.open(url, 'ada');
    readiness.isDraining = true;
    await eventually(() => expect(source.closed).toBe('end'), 500);
    const late = await EventSource.open(url, 'ada', { lastEventId: source.lastEventId });
    const looked = jest.spyOn(EventStream.prototype, 'beat');
    await eventually(() => expect(looked.mock.calls.length).toBeGreaterThan(2));
    log.append('ada', 1);
    log.tell('ada');
    await eventually(() => expect(seqs(late)).toEqual(all('ada')));
    expect(late.closed).toBeUndefined();
    server.server.close();
    await eventually(() => expect(late.closed).toBe('end'), 500);
  });

  describe('to a client that does not read', () => {
    const LARGE = [Array(10_000).fill('x').join('')];
    let client: Socket;
    let answer: ServerResponse;

    beforeEach(async () => {
      server.server.once('request', (_request, response: ServerResponse) => (answer = response));
      client = connect(Number(new URL(url).port), '127.0.0.1');
      await once(client, 'connect');
      client.write(`GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\n\r\n`);
      await once(client, 'readable');
      // From here on what comes stays in the kernel, as far as there is room.
      client.pause();
      await eventually(() => expect(log.reads).toBeGreaterThan(0));
      log.append('ada', 5000, LARGE);
      log.tell('ada');
    });
    afterEach(() => client.destroy());

    /** Resolves when the kernel has taken what it takes. */
    const isStuck = async (): Promise<void> => {
      let looks = 0;
      await eventually(() => {
        looks = answer.writableNeedDrain ? looks + 1 : 0;
        expect(looks).toBe(15);
      }, 10_000);
    };

    it('stop reading the log, and go on where they were when it reads again', async () => {
      await isStuck();
      expect(log.reads).toBeLessThan(45);
      let text = '';
      client.setEncoding('utf8').on('data', (chunk: string) => (text = text.slice(-LARGE[0]!.length) + chunk));
      client.resume();
      await eventually(() => expect(text).toContain(`task-${all('ada').at(-1)}"`), 10_000);
    });

    it('are cut off after ten seconds, not before', async () => {
      await isStuck();
      const now = performance.now.bind(performance);
      let aheadMs = 9000;
      jest.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs);
      const looked = jest.spyOn(EventStream.prototype, 'isStuckFor');
      await eventually(() => expect(looked.mock.calls.length).toBeGreaterThan(2));
      expect(answer.destroyed).toBe(false);
      aheadMs = 10_000;
      await eventually(() => expect(answer.destroyed).toBe(true), 500);
    });
  });
});
