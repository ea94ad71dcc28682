import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endWithThisProcess, freePort } from './redis-server.js';

/** Not those on the PATH, which run as a user of their own and want to be root. */
const PROGRAMS = '/usr/lib/rabbitmq/bin';
const NODE = 'taskflow@localhost';
const START_TIMEOUT_MS = 60_000;

/** A RabbitMQ on loopback with a directory and a name server of its own. It dies with the process that started it. */
export interface RabbitProcess {
  /** `amqp://127.0.0.1:<port>` */
  readonly url: string;
  /** `rabbitmqctl`. @returns what it printed */
  control(...args: readonly string[]): Promise<string>;
  /** Ends it. RabbitMQ 3.10 forgets a queue that was declared in the seconds before a SIGKILL. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** A new process on the same port and directory. */
  restart(): Promise<void>;
  /** Ends it and removes its directory. Running it twice does no harm. */
  stop(): Promise<void>;
}

/** @throws with what it printed, when it does not start */
export async function startRabbit(): Promise<RabbitProcess> {
  if (!existsSync(join(PROGRAMS, 'rabbitmq-server')))
    throw new Error('npm run test:server needs rabbitmq-server: apt-get install rabbitmq-server');
  const [port, names, cluster] = [await freePort(), await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-rabbitmq-'));
  writeFileSync(join(directory, 'plugins'), '[].');
  const environment = {
    PATH: process.env['PATH'],
    HOME: directory,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: NODE,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(cluster),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: join(directory, 'environment'),
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    // Else a shell stands between us and the broker, and a kill would reach only that.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
  // Started here, because one that the broker starts would outlive it.
  const nameServer = spawn('epmd', ['-port', String(names), '-address', '127.0.0.1'], { stdio: 'ignore' });
  endWithThisProcess(nameServer);
  const start = (): Promise<ChildProcess> => run(environment);
  let server = await start();
  const kill = (signal: NodeJS.Signals): Promise<void> => end(server, signal);
  return {
    url: `amqp://127.0.0.1:${port}`,
    async control(...args) {
      const options = { env: environment, timeout: START_TIMEOUT_MS };
      const { stdout } = await promisify(execFile)(join(PROGRAMS, 'rabbitmqctl'), ['-q', '-n', NODE, ...args], options);
      return stdout;
    },
    kill,
    async restart() {
      await kill('SIGTERM');
      server = await start();
    },
    async stop() {
      await kill('SIGKILL');
      await end(nameServer, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function run(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const server = spawn(join(PROGRAMS, 'rabbitmq-server'), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithThisProcess(server);
  let printed = '';
  const timer = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (chunk: Buffer): void => {
        printed += chunk.toString();
        if (printed.includes('Server startup complete')) resolve();
      };
      server.stdout.on('data', look);
      server.stderr.on('data', look);
      server.once('exit', (code) => reject(new Error(`rabbitmq-server ended with ${code}:\n${printed}`)));
    });
  } finally {
    clearTimeout(timer);
  }
  return server;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
