import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import { processesOfEachTest, type TaskFlowProcess } from '../support/dist.js';
import { EventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const account = { email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada' };

describe('a process that is told to stop', () => {
  const { start, directory, stop } = processesOfEachTest();

  it('says that it drains, and serves old and new connections as if nothing were', async () => {
    const server = await start({ DRAIN_SECONDS: '3' });
    const connection = new Agent({ keepAlive: true, maxSockets: 1 });
    await get(server, connection);
    const exited = server.end('SIGTERM');

    const { body, headers } = await eventually(() => server.http.get('/api/health/ready').expect(503), 2500);
    expect(body).toEqual({ status: 'error', checks: { mongo: 'up' }, draining: true });
    expect(headers['retry-after']).toBe('2');
    // A proxy that was told to close each connection would open one for every request, up to the last moment.
    expect(await get(server, connection)).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });
    await server.http.post('/api/v1/auth/register').send(account).expect(201);
    connection.destroy();
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('then takes no new connection, and ends each old one with its next answer instead of closing it first', async () => {
    const server = await start({ DRAIN_SECONDS: '2' });
    const connection = new Agent({ keepAlive: true, maxSockets: 1 });
    await get(server, connection);
    const exited = server.end('SIGTERM');
    await eventually(() => expect(server.http.get('/api/health/live')).rejects.toThrow('ECONNREFUSED'), 4000);
    expect(await get(server, connection)).toMatchObject({ status: 200, headers: { connection: 'close' } });
    connection.destroy();
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('finishes a request whose body is still on its way, and takes no new connection meanwhile', async () => {
    const server = await start({ REQUEST_TIMEOUT_MS: '10000' });
    const { body } = await server.http.post('/api/v1/auth/register').send(account).expect(201);
    const upload = await beginUpload(server, body.accessToken as string);
    const exited = server.end('SIGTERM');
    await eventually(() => expect(server.http.get('/api/health/live')).rejects.toThrow('ECONNREFUSED'));

    const answer = await upload.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 201 .*\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(JSON.parse(answer.split('\r\n\r\n', 2)[1]!)).toMatchObject({ title: 'finished', version: 1 });
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('does not wait for connections that nobody uses', async () => {
    const server = await start();
    const connection = new Agent({ keepAlive: true });
    await get(server, connection);
    const { hostname, port } = new URL(server.url);
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');
    const begun = performance.now();
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(5000);
    connection.destroy();
    silent.destroy();
  });

  describe('with a stream of events open', () => {
    const listen = async (server: TaskFlowProcess): Promise<() => Promise<EventSource>> => {
      const { body } = await server.http.post('/api/v1/auth/register').send(account).expect(201);
      return () => EventSource.open(server.url, body.accessToken as string);
    };

    it('ends it at once, and serves one that comes back until it listens no more', async () => {
      const server = await start({ DRAIN_SECONDS: '3' });
      const open = await listen(server);
      const first = await open();
      const exited = server.end('SIGTERM');
      await eventually(() => expect(first.closed).toBe('end'), 1000);
      const second = await open();
      await server.http.get('/api/health/live').expect(200);
      expect(second.closed).toBeUndefined();
      await eventually(() => expect(second.closed).toBe('end'), 5000);
      await expect(open()).rejects.toThrow('ECONNREFUSED');
      expect(await exited).toEqual({ code: 0, signal: null });
    });

    it('does not wait for it', async () => {
      const server = await start();
      const source = await (await listen(server))();
      const begun = performance.now();
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(performance.now() - begun).toBeLessThan(5000);
      expect(source.closed).toBe('end');
    });
  });

  it('drains for DRAIN_SECONDS, and with a second signal no longer', async () => {
    const patient = await start({ DRAIN_SECONDS: '1' });
    let begun = performance.now();
    await patient.end('SIGTERM');
    expect(performance.now() - begun).toBeGreaterThan(1000);

    const hurried = await start({ DRAIN_SECONDS: '60' });
    begun = performance.now();
    const exited = hurried.end('SIGTERM');
    await eventually(() => hurried.http.get('/api/health/ready').expect(503), 1000);
    hurried.process.kill('SIGINT');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('cuts off the requests that still run at one more signal', async () => {
    const server = await start({ REQUEST_TIMEOUT_MS: '20000' });
    const { body } = await server.http.post('/api/v1/auth/register').send(account).expect(201);
    const upload = await beginUpload(server, body.accessToken as string);
    const begun = performance.now();
    const exited = server.end('SIGTERM');
    await eventually(() => expect(server.http.get('/api/health/live')).rejects.toThrow('ECONNREFUSED'));
    server.process.kill('SIGTERM');
    expect(await upload.closed).toBe('');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  describe('beside others, on one database', () => {
    let database: Awaited<ReturnType<typeof startTestDatabase>>;
    let proxy: TcpProxy;
    let environment: Record<string, string>;
    beforeEach(async () => {
      database = await startTestDatabase();
      const { hostname, port, pathname } = new URL(database.uri);
      proxy = await TcpProxy.to(hostname, Number(port));
      environment = {
        MONGODB_URI: `mongodb://${proxy.address}${pathname}?directConnection=true`,
        JWT_KEYS: generateJwtKey(),
        SECRET_KEY: 'a test key that all processes share',
      };
    });
    afterEach(async () => {
      await stop();
      await proxy.refuse();
      await database.close();
    });

    it('leaves the background work to them at once, long before its lease would end', async () => {
      const connection = await mongoose.createConnection(database.uri).asPromise();
      const holders = async (): Promise<Set<unknown>> =>
        new Set((await connection.collection('leases').find().toArray()).map(({ holder }) => holder));
      try {
        const first = await start({ ...environment, DRAIN_SECONDS: '30' });
        await eventually(async () => expect(await holders()).toHaveProperty('size', 1), 15_000);
        const [leader] = await holders();
        await start(environment);
        expect(await holders()).toEqual(new Set([leader]));
        first.process.kill('SIGTERM');
        await eventually(async () => {
          const now = await holders();
          expect(now.size).toBe(1);
          expect(now).not.toContain(leader);
        }, 6000);
        await first.http.get('/api/health/live').expect(200);
      } finally {
        await connection.close();
      }
    });

    it('tells a process manager when it is ready, not when it listens, and ends when told by a message', async () => {
      await proxy.refuse();
      const child = fork(join(__dirname, '../../dist/main.js'), {
        cwd: directory(),
        env: { ...environment, PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'silent' },
        execArgv: [],
        silent: true,
      });
      let printed = '';
      child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      const messages: unknown[] = [];
      child.on('message', (message) => messages.push(message));
      try {
        await eventually(() => expect(printed).toContain('TaskFlow is running'), 15_000);
        expect(messages).toEqual([]);
        await proxy.restore();
        await eventually(() => expect(messages).toEqual(['ready']), 10_000);
        child.send('shutdown');
        expect(await once(child, 'exit')).toEqual([0, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });

    it('ends in time when the database has frozen', async () => {
      const server = await start(environment);
      proxy.freeze();
      const begun = performance.now();
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(performance.now() - begun).toBeLessThan(10_000);
    });
  });

  it.each(['throw new Error("of the test")', 'Promise.reject(new Error("of the test"))'])(
    'after a crash by `%s` says so in one line, finishes what is quick, and ends with code 1',
    async (crash) => {
      const preload = join(directory(), 'crash.cjs');
      writeFileSync(preload, `process.on('SIGUSR2', () => { ${crash} });`);
      const server = await start({ DRAIN_SECONDS: '1', LOG_FORMAT: 'json', NODE_OPTIONS: `--require ${preload}` });
      server.process.kill('SIGUSR2');
      const exited = once(server.process, 'exit');
      const { body } = await eventually(() => server.http.get('/api/health/ready').expect(503), 2500);
      expect(body.draining).toBe(true);
      expect(await exited).toEqual([1, null]);
      const lines = server
        .output()
        .split('\n')
        .filter((line) => line.includes('of the test'));
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        expect.objectContaining({ level: 'error', message: 'crashed: of the test', context: 'Shutdown' }),
      ]);
    },
  );
});

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

function get({ url }: TaskFlowProcess, agent: Agent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${url}/api/health/live`, { agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

interface Upload {
  /** Sends the rest. @returns the whole answer, when the server has ended the connection */
  finish(): Promise<string>;
  /** Everything that was received, once the connection is closed. */
  readonly closed: Promise<string>;
}

/** A task on its way whose body has not arrived completely. */
async function beginUpload({ url }: TaskFlowProcess, token: string): Promise<Upload> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const body = JSON.stringify({ title: 'finished' });
  const head = [
    'POST /api/v1/tasks HTTP/1.1',
    'Host: taskflow',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
  ];
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.on('error', () => socket.destroy());
  const closed = once(socket, 'close').then(() => received);
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  // The server says so when it has begun with the request.
  await eventually(() => expect(received).toBe('HTTP/1.1 100 Continue\r\n\r\n'));
  received = '';
  socket.write(body.slice(0, 5));
  return {
    closed,
    finish: () => {
      socket.write(body.slice(5));
      return closed;
    },
  };
}
