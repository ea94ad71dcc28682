import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** One core for what is measured, the other one for the stores and for whoever asks. */
export const APP_CPU = 0;
export const OTHER_CPU = 1;

const hasTwoCores = process.platform === 'linux' && availableParallelism() > 1;
const START_TIMEOUT_MS = 60_000;

/** A process that is measured, or a store that it works on. */
export interface Subject {
  readonly name: string;
  /** What it printed behind `ready: `, or the address that TaskFlow announces. */
  readonly url: string;
  /** CPU seconds of all of its threads so far, in user and kernel mode. */
  cpuSeconds(): number;
  /** Bytes. */
  residentBytes(): number;
  /** Lets it do nothing until `resume`. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  readonly cpu?: number;
  readonly environment?: Record<string, string>;
  readonly args?: readonly string[];
}

/** Binds this process, which asks, to the core of the stores. */
export function keepOffTheAppCore(): void {
  if (hasTwoCores) spawnSync('taskset', ['-acp', String(OTHER_CPU), String(process.pid)], { stdio: 'ignore' });
}

/** The command, bound to a core where there are two. */
export const onCore = (cpu: number, command: readonly string[]): [string, ...string[]] =>
  (hasTwoCores ? ['taskset', '-c', String(cpu), ...command] : [...command]) as [string, ...string[]];

/**
 * Starts a Node program and waits for its line.
 * @throws with what it printed, when it ends or stays silent instead
 */
export async function startSubject(name: string, script: string, options: SubjectOptions = {}): Promise<Subject> {
  const { cpu = APP_CPU, environment = {}, args = [] } = options;
  const [program, ...rest] = onCore(cpu, [process.execPath, script, ...args]);
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  endWithThisProcess(child);
  const url = await announced(name, child);
  return {
    name,
    url,
    cpuSeconds: () => cpuSeconds(child.pid!),
    residentBytes: () => residentBytes(child.pid!),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => end(child),
  };
}

function announced(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => fail('does not start'), START_TIMEOUT_MS);
    const fail = (what: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${name} ${what}:\n${printed.slice(-2000)}`));
    };
    const listen = (chunk: Buffer): void => {
      printed += chunk.toString();
      const [, ready, api] = /ready: (\S+)|(?:API|Health)\s+(http[^\s/]*\/\/[^\s/]+)\/api\//.exec(printed) ?? [];
      const url = ready ?? api;
      if (!url) return;
      clearTimeout(timer);
      child.removeListener('exit', ended);
      child.stdout!.removeListener('data', listen);
      // Whoever logs must not be held up by a full pipe.
      child.stdout!.resume();
      resolve(url.replace('localhost', '127.0.0.1'));
    };
    const ended = (code: number | null): void => fail(`ended with ${code}`);
    child.once('exit', ended);
    child.stdout!.on('data', listen);
    child.stderr!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  });
}

const children = new Map<ChildProcess, NodeJS.Signals>();
process.once('exit', () => {
  for (const [child, signal] of children) child.kill(signal);
});

/** Whatever way this process ends: nothing that it started goes on. */
export function endWithThisProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  children.set(child, signal);
  child.once('exit', () => children.delete(child));
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** `schedstat` counts nanoseconds, where `stat` counts ticks of 10 ms. A thread that ends meanwhile is not counted. */
function cpuSeconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(tasks).map((task) => {
    try {
      return Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
      throw error;
    }
  });
  return nanoseconds.reduce((sum, part) => sum + part, 0) / 1e9;
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
