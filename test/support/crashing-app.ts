import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCurrentDist, temporaryDirectory } from './dist.js';

const HARNESS = join(__dirname, 'crash-main.mjs');

/** The application in a process of its own, on an embedded store. */
export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly databaseUri: string;
}

/** Declares, for the tests of a `describe`, a store for each and that none of its processes outlives it. */
export function crashingApp(): {
  /** @param killAfter a step that crash-main.mjs knows */
  readonly start: (killAfter?: string) => Promise<Running>;
} {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  const children: ChildProcess[] = [];
  beforeAll(requireCurrentDist);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await directory.remove();
  });
  const start = async (killAfter?: string): Promise<Running> => {
    const child = fork(HARNESS, killAfter ? [killAfter] : [], {
      cwd: tmpdir(),
      env: {
        PATH: process.env['PATH'],
        DATA_DIR: directory.path,
        LOG_LEVEL: 'error',
        LOGIN_RATE_LIMIT_PER_15MIN: '1000',
      },
      execArgv: [],
    });
    children.push(child);
    const died = once(child, 'exit').then(() => Promise.reject(new Error('the application ended while it started')));
    const [started] = (await Promise.race([once(child, 'message'), died])) as [Omit<Running, 'child'>];
    died.catch(() => undefined);
    return { child, ...started };
  };
  return { start };
}

export const moveClock = ({ child }: Running, aheadMs: number): void => {
  child.send({ aheadMs });
};

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
