import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../test/support/redis-server.js';
import { end, endWithThisProcess, onCore, OTHER_CPU, startSubject } from './subject.js';

export interface Stores {
  readonly mongoUri: string;
  readonly redisUrl: string;
  /** For the result: which stores these were. */
  readonly names: { readonly mongo: string; readonly redis: string };
  stop(): Promise<void>;
}

/** A Redis of our own, and the MongoDB of `MONGODB_URI` or, without one, the embedded server as a process of its own. */
export async function startStores(): Promise<Stores> {
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-bench-'));
  const redis = await startRedis(directory);
  const external = process.env['MONGODB_URI'];
  const mongo = external
    ? undefined
    : await startSubject('embedded', script('embedded'), { cpu: OTHER_CPU, args: [directory] });
  const address = new URL(external ?? mongo!.url);
  address.pathname = `/bench_${randomBytes(4).toString('hex')}`;
  return {
    mongoUri: address.toString(),
    redisUrl: redis.url,
    names: { mongo: external ? 'MONGODB_URI' : 'embedded', redis: redis.version },
    async stop() {
      await mongo?.stop();
      await redis.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const script = (name: string): string => join(import.meta.dirname, `${name}.js`);

async function startRedis(directory: string): Promise<{ url: string; version: string; stop(): Promise<void> }> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('npm run bench needs redis-server on the PATH: apt-get install redis-server');
  }
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const [program, ...args] = onCore(OTHER_CPU, ['redis-server', ...settings]);
  const server = spawn(program, args, { stdio: 'ignore' });
  endWithThisProcess(server);
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  for (let attempt = 0; ; attempt++) {
    try {
      await client.connect();
      break;
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(50);
    }
  }
  const info = await client.info('server');
  client.disconnect();
  return { url, version: /redis_version:(\S+)/.exec(info)![1]!, stop: () => end(server) };
}
