import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

const START_TIMEOUT_MS = 10_000;

export interface RedisOptions {
  /** Settings in the order of `redis.conf`, for example `{ appendonly: 'yes' }`; without any, nothing is kept on disk. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A `redis-server` process on loopback with a directory of its own. It dies with the process that started it. */
export interface RedisProcess {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Changes with `restart`. */
  readonly pid: number;
  /** Its data, for tests that look at or lose files. */
  readonly directory: string;
  /** Sends a signal; one that ends the process is waited for. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** A new process on the same port and directory; one that still runs is killed before. */
  restart(): Promise<void>;
  /** Ends it and removes its directory. Running it twice does no harm. */
  stop(): Promise<void>;
}

export interface RedisCluster {
  readonly nodes: readonly RedisProcess[];
  /** `host:port,host:port,…`, the form of `REDIS_CLUSTER_NODES`. */
  readonly addresses: string;
  stop(): Promise<void>;
}

/** @throws when there is no `redis-server` on the PATH */
export function requireRedisServer(): void {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0)
    throw new Error('npm run test:server needs redis-server on the PATH: apt-get install redis-server');
}

/** A running Redis that answers. @throws with what it printed, when it does not */
export async function startRedis({ settings = {} }: RedisOptions = {}): Promise<RedisProcess> {
  requireRedisServer();
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-redis-'));
  const all = { save: '', appendonly: 'no', ...settings, port: String(port), bind: '127.0.0.1', dir: directory };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  let running = await run(args, port);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const { server } = running;
    if (hasEnded(server)) return;
    const exit = ['SIGKILL', 'SIGTERM', 'SIGINT'].includes(signal) ? once(server, 'exit') : undefined;
    server.kill(signal);
    await exit;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    directory,
    get pid() {
      return running.server.pid!;
    },
    kill,
    async restart() {
      await kill('SIGKILL');
      running = await run(args, port);
    },
    async stop() {
      await kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Three masters that share the slots and agree that the cluster is whole. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const buses = [await freePort(), await freePort(), await freePort()];
  const nodes = await Promise.all(
    buses.map((bus) => startRedis({ settings: { 'cluster-enabled': 'yes', 'cluster-port': String(bus) } })),
  );
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    const share = Math.ceil(16_384 / nodes.length);
    await Promise.all(
      clients.map((client, i) =>
        client.call('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, 16_384) - 1),
      ),
    );
    await Promise.all(
      nodes.slice(1).map(({ port }, i) => clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port, buses[i + 1]!)),
    );
    await Promise.all(clients.map((client) => untilWhole(client, nodes.length)));
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return { nodes, addresses: nodes.map(({ port }) => `127.0.0.1:${port}`).join(','), stop };
}

/** A sentinel that watches `mymaster` and whatever follows it, and alone decides that it is gone. */
export async function startSentinel(primary: RedisProcess): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-sentinel-'));
  const file = join(directory, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor mymaster 127.0.0.1 ${primary.port} 1`,
      'sentinel down-after-milliseconds mymaster 300',
      'sentinel failover-timeout mymaster 3000',
    ].join('\n'),
  );
  const { server } = await run([file, '--sentinel'], port);
  return {
    port,
    async stop() {
      const exit = once(server, 'exit');
      server.kill('SIGKILL');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function untilWhole(client: Redis, nodes: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const info = String(await client.call('CLUSTER', 'INFO'));
    if (info.includes('cluster_state:ok') && info.includes(`cluster_size:${nodes}\r`)) return;
    if (performance.now() > deadline) throw new Error(`the Redis cluster did not come together:\n${info}`);
    await delay(20);
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function run(args: readonly string[], port: number): Promise<{ server: ChildProcess }> {
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  server.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  server.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  endWithThisProcess(server);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (hasEnded(server)) throw new Error(`redis-server ended with ${server.exitCode}:\n${printed}`);
    if (performance.now() > deadline) {
      server.kill('SIGKILL');
      throw new Error(`redis-server does not answer on port ${port}:\n${printed}`);
    }
    await delay(10);
  }
  return { server };
}

/**
 * Jest's `process` never says `exit`, and a killed process says nothing: so a shell waits for the end of its input,
 * which comes with ours, and kills the server. It is itself ended with the server, before the pid can be another's.
 */
export function endWithThisProcess(server: ChildProcess, signal: 'KILL' | 'TERM' = 'KILL'): void {
  const watch = spawn('sh', ['-c', 'read -r _; kill -s "$1" "$0" 2>/dev/null', String(server.pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  server.once('exit', () => watch.kill('SIGKILL'));
}

/** Whether a server that is ready for commands answers on the port; one that wants a password counts. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    const answer = (ready: boolean): void => {
      resolve(ready);
      socket.destroy();
    };
    socket.setTimeout(500, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => resolve(false));
    socket.once('data', (chunk) => answer(/^(\+PONG|-NOAUTH)/.test(chunk.toString('latin1'))));
  });
}

/**
 * Below the range from which the kernel takes the ports of outgoing connections: nobody gets the port while the server
 * is down, and a client that knocks there cannot be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await new Promise((resolve) => {
      server.once('listening', () => resolve(true));
      server.once('error', () => resolve(false));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
