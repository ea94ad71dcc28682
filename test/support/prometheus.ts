import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { eventually } from './eventually.js';
import { DEPLOY } from './monitoring.js';
import { endWithThisProcess, freePort } from './redis-server.js';

/** One series of the answer to a query; `+Inf` and `NaN` are values too. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Debian's Prometheus with the project's own configuration. It ends with the process that started it. */
export interface Prometheus {
  query(promql: string): Promise<Sample[]>;
  /** Of its HTTP API, the `data` of `/api/v1/<path>`. */
  get<T>(path: string): Promise<T>;
  /** From the next scrape on. */
  useToken(token: string): void;
  stop(): Promise<void>;
}

/**
 * A copy of `deploy/prometheus` with other targets, which it asks every second.
 * @param targets `host:port`
 * @throws when there is no `prometheus` on the PATH, or it does not take the configuration
 */
export async function startPrometheus(targets: readonly string[], token: string): Promise<Prometheus> {
  if (spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).status !== 0)
    throw new Error('npm run test:server needs prometheus on the PATH: apt-get install prometheus');
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-prometheus-'));
  const port = await freePort();
  cpSync(join(DEPLOY, 'prometheus'), directory, { recursive: true });
  const file = join(directory, 'prometheus.yml');
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token);
  writeFileSync(file, stringify(adapted(parse(readFileSync(file, 'utf8')), { targets, tokenFile, port })));
  const server = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let printed = '';
  server.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  endWithThisProcess(server);
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const exit = once(server, 'exit');
      server.kill('SIGKILL');
      await exit;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (!ready?.ok) throw new Error(`prometheus is not ready:\n${printed}`);
  }, 20_000).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const get = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: T; error?: string };
    if (answer.error) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  return {
    get,
    query: async (promql) => (await get<{ result: Sample[] }>(`query?query=${encodeURIComponent(promql)}`)).result,
    useToken: (other) => writeFileSync(tokenFile, other),
    stop,
  };
}

interface Configuration {
  global: object;
  scrape_configs: { job_name: string; static_configs: object; authorization?: object }[];
}

function adapted(
  config: Configuration,
  { targets, tokenFile, port }: { targets: readonly string[]; tokenFile: string; port: number },
): Configuration {
  const global = { ...config.global, scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  const jobs = config.scrape_configs.map((job) =>
    job.job_name === 'taskflow'
      ? { ...job, authorization: { ...job.authorization, credentials_file: tokenFile }, static_configs: [{ targets }] }
      : { ...job, static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
  );
  return { ...config, global, scrape_configs: jobs };
}
