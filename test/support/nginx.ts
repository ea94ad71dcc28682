import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { startFleet, type Fleet } from './fleet.js';
import { endWithThisProcess, freePort, startRedis, type RedisProcess } from './redis-server.js';

const CONFIGURATION = join(__dirname, '../../deploy/nginx');

/** In which file of `deploy/nginx` what is replaced by what; what is not there is an error. */
export type Change = readonly [file: string, from: string, to: string];

/** The client is one of those that may see metrics and the details of health. */
export const INSIDE: Change = ['site.conf', 'default 0;', 'default 1;'];

/** For tests that are not about limits and send more than anybody may. */
export const UNLIMITED: Change = ['site.conf', 'limit_req zone=clients burst=300 nodelay;', ''];

export interface NginxOptions {
  readonly config: 'nginx.conf' | 'nginx.split.conf';
  /** The addresses (`http://host:port`) of every upstream. */
  readonly upstreams: Readonly<Record<string, readonly string[]>>;
  readonly changes?: readonly Change[];
}

/** Debian's nginx with the project's own configuration. It ends with the process that started it. */
export interface Nginx {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** What it listens on instead of 8443, once `tls.conf` is included. */
  readonly tlsPort: number;
  /** The lines of its access log so far. A client has its answer before nginx writes the line about it. */
  accessLog(): Record<string, unknown>[];
  /** The lines about the requests to a path, once there are so many. @throws when there are not within 5 s */
  logged(path: string, count: number): Promise<Record<string, unknown>[]>;
  /** What the error log has so far. */
  errors(): string;
  /** Reads the configuration again, as `nginx -s reload` does. */
  reload(): void;
  stop(): Promise<void>;
}

/** @throws when there is no nginx on the PATH */
function requireNginx(): void {
  if (spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status !== 0)
    throw new Error('npm run test:server needs nginx on the PATH: apt-get install nginx');
}

/** A copy of `deploy/nginx` that listens on ports of its own, with addresses instead of names. */
async function prepare({ config, upstreams, changes = [] }: NginxOptions): Promise<Prepared> {
  requireNginx();
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-nginx-'));
  // Workers of a master that is root are somebody else.
  chmodSync(directory, 0o755);
  cpSync(CONFIGURATION, directory, { recursive: true });
  const port = await freePort();
  const tlsPort = await freePort();
  const edit = (file: string, change: (text: string) => string): void =>
    writeFileSync(join(directory, file), change(readFileSync(join(directory, file), 'utf8')));
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.conf'),
  ))
    edit(file, (text) =>
      text
        .replaceAll(/(?<= )\/tmp\//g, `${directory}/`)
        .replaceAll('/dev/stdout', `${directory}/access.log`)
        .replaceAll('listen 8080;', `listen 127.0.0.1:${port};`)
        .replaceAll('listen 8443 ', `listen 127.0.0.1:${tlsPort} `),
    );
  for (const [file, from, to] of changes) edit(file, (text) => replaced(text, from, to));
  edit(config, (text) => withServers(text, upstreams));
  return { directory, port, tlsPort, args: ['-p', directory, '-c', join(directory, config)] };
}

interface Prepared {
  readonly directory: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly args: readonly string[];
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`deploy/nginx has no "${from}" any more`);
  return text.replace(from, () => to);
}

/** The servers of each upstream in turn take the place of its own, with the same parameters. */
function withServers(text: string, upstreams: NginxOptions['upstreams']): string {
  const missing = new Set(Object.keys(upstreams));
  const edited = text.replaceAll(/upstream (\S+) \{[^}]*\}/g, (block, name: string) => {
    const urls = upstreams[name];
    if (!urls) throw new Error(`the upstream ${name} was given no address`);
    missing.delete(name);
    const parameters = /server \S+([^;]*?)(?: resolve)?;/.exec(block)![1];
    const servers = urls.map((url) => `server ${new URL(url).host}${parameters};`);
    return block.replaceAll(/ *server [^;]*;\n/g, '').replace('}', `${servers.join('\n')}\n}`);
  });
  if (missing.size > 0) throw new Error(`deploy/nginx has no upstream ${[...missing].join(', ')}`);
  return edited;
}

/** What `nginx -t` says. */
export async function checkNginx(options: NginxOptions): Promise<{ ok: boolean; output: string }> {
  const { args, directory } = await prepare(options);
  const { status, stderr } = spawnSync('nginx', ['-t', ...args], { encoding: 'utf8' });
  rmSync(directory, { recursive: true, force: true });
  return { ok: status === 0, output: stderr };
}

/** An nginx that answers. @throws with what it printed, when it does not */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { args, directory, port, tlsPort } = await prepare(options);
  const master = spawn('nginx', [...args, '-g', 'daemon off;'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  master.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  endWithThisProcess(master, 'TERM');
  await eventually(() => {
    if (master.exitCode !== null) throw new Error(`nginx ended with ${master.exitCode}:\n${printed}`);
    return connects(port);
  });
  const accessLog = (): Record<string, unknown>[] =>
    readFileSync(join(directory, 'access.log'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    url: `http://127.0.0.1:${port}`,
    tlsPort,
    accessLog,
    logged: (path, count) =>
      eventually(() => {
        const lines = accessLog().filter((line) => line['path'] === path);
        if (lines.length < count) throw new Error(`nginx logged ${lines.length} of ${count} requests to ${path}`);
        return lines;
      }),
    errors: () => printed,
    reload: () => void master.kill('SIGHUP'),
    async stop() {
      await end(master);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function end(master: ChildProcess): Promise<void> {
  if (master.exitCode !== null || master.signalCode !== null) return;
  const exit = once(master, 'exit');
  master.kill('SIGTERM');
  await exit;
}

function connects(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

/** Three processes that share a Redis, behind nginx with the configuration for replicas. */
export interface Replicas {
  readonly redis: RedisProcess;
  readonly fleet: Fleet;
  readonly nginx: Nginx;
  stop(): Promise<void>;
}

/** @param environment of each process, beside the shared Redis and the trust in one proxy */
export async function startReplicas(
  environment: Record<string, string> = {},
  changes: readonly Change[] = [],
): Promise<Replicas> {
  const begun: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const one of begun.toReversed()) await one.stop();
  };
  try {
    const redis = await startRedis();
    begun.push(redis);
    const fleet = await startFleet(3, { REDIS_URL: redis.url, TRUST_PROXY: '1', ...environment });
    begun.push(fleet);
    const upstreams = { api: fleet.processes.map(({ url }) => url) };
    const nginx = await startNginx({ config: 'nginx.conf', upstreams, changes });
    begun.push(nginx);
    return { redis, fleet, nginx, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
