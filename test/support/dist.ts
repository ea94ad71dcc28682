import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';

const ROOT = join(__dirname, '..', '..');

/** Tests of processes run the compiled program. @throws when `dist/` is not what `src/` is now */
export function requireCurrentDist(): void {
  const { status, stderr } = spawnSync(process.execPath, ['tools/build.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr.trim());
}

/** An empty directory, and how to remove it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'taskflow-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The compiled program as a process of its own, on a port that the kernel chose. */
export interface TaskFlowProcess {
  readonly url: string;
  readonly http: ReturnType<typeof request>;
  readonly process: ChildProcess;
  /** What it has printed so far. */
  output(): string;
  /** Milliseconds from the start to the line with the address. */
  readonly startedInMs: number;
  /** Ends it with a signal and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const environmentOf = (environment: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  PORT: '0',
  LOG_LEVEL: 'warn',
  RATE_LIMIT_PER_MINUTE: '1000000',
  LOGIN_RATE_LIMIT_PER_15MIN: '100000',
  ...environment,
});

function run(environment: Record<string, string>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [join(ROOT, 'dist/main.js')], {
    // Not the project's root: a developer's .env must not decide what is tested.
    cwd: tmpdir(),
    env: environmentOf(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

/** @throws with what it printed, when it ends instead of listening */
export async function startProcess(environment: Record<string, string>): Promise<TaskFlowProcess> {
  const begun = performance.now();
  const { child, output } = run(environment);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', () => {
      const found = /(?:API|Health)\s+(http:\/\/[^\s/]+)\/api\b/.exec(output())?.[1];
      if (found) resolve(found.replace('localhost', '127.0.0.1'));
    });
    child.on('exit', (code) => reject(new Error(`ended with ${code}:\n${output()}`)));
  });
  const startedInMs = performance.now() - begun;
  const end = async (signal: NodeJS.Signals): ReturnType<TaskFlowProcess['end']> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    }
    return { code: child.exitCode, signal: child.signalCode };
  };
  return { url, http: request(url), process: child, output, startedInMs, end };
}

/** Runs a start that is expected to fail, to its end. */
export async function failedStart(
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const { child, output } = run(environment);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output() };
}

/**
 * Declares, for the tests of a `describe`, an empty directory for each and that none of its processes outlives it.
 */
export function processesOfEachTest(): {
  readonly start: (environment?: Record<string, string>) => Promise<TaskFlowProcess>;
  readonly directory: () => string;
  /** Before its time, for tests whose processes must be gone before something else is. */
  readonly stop: () => Promise<void>;
} {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let running: TaskFlowProcess[];
  beforeAll(requireCurrentDist);
  beforeEach(async () => {
    directory = await temporaryDirectory();
    running = [];
  });
  const stop = async (): Promise<void> => {
    for (const process of running) await process.end('SIGKILL');
  };
  afterEach(async () => {
    await stop();
    await directory.remove();
  });
  return {
    async start(environment = {}) {
      const process = await startProcess({ DATA_DIR: directory.path, ...environment });
      running.push(process);
      return process;
    },
    directory: () => directory.path,
    stop,
  };
}
