import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/redis-server.js';
import { endWithThisProcess, onCore, OTHER_CPU } from './subject.js';

const CONFIGURATION = join(import.meta.dirname, '../../../../deploy/nginx');
const START_TIMEOUT_MS = 10_000;

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

export const hasNginx = (): boolean => spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0;

/** The project's own configuration in front of these processes, without the limit on what one address may ask. */
export async function startNginx(urls: readonly string[]): Promise<Nginx> {
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-bench-nginx-'));
  // Workers of a master that is root are somebody else.
  chmodSync(directory, 0o755);
  cpSync(join(CONFIGURATION, 'taskflow'), join(directory, 'taskflow'), { recursive: true });
  for (const name of readdirSync(join(directory, 'taskflow'))) {
    const file = join(directory, 'taskflow', name);
    const text = readFileSync(file, 'utf8').replaceAll(/(?<= )\/tmp\//g, `${directory}/`);
    writeFileSync(file, text.replaceAll('/dev/stdout', join(directory, 'access.log')));
  }
  const port = await freePort();
  writeFileSync(join(directory, 'nginx.conf'), configuration(port, urls));
  const args = ['nginx', '-p', directory, '-c', join(directory, 'nginx.conf'), '-g', 'daemon off;'];
  const [program, ...rest] = onCore(OTHER_CPU, args);
  const master = spawn(program, rest, { stdio: 'ignore' });
  // Its workers end with it when it is asked to; killed, it would leave them behind.
  endWithThisProcess(master, 'SIGTERM');
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/`);
  return {
    url,
    async stop() {
      const exit = once(master, 'exit');
      master.kill('SIGTERM');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const configuration = (port: number, urls: readonly string[]): string => `include taskflow/process.conf;
events { worker_connections 4096; }
http {
  geo $inside { default 0; }
  include taskflow/http.conf;
  upstream api {
    zone api 128k;
    include taskflow/upstream.conf;
    ${urls.map((url) => `server ${new URL(url).host};`).join('\n    ')}
  }
  map $uri $service { default api; }
  server {
    listen 127.0.0.1:${port};
    include taskflow/server.conf;
  }
}
`;

async function answers(url: string): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(20);
    }
  }
}
