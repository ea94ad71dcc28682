import { setTimeout as delay } from 'node:timers/promises';
import type { JobQueue, Work } from '../../src/core/jobs/job-queue.js';
import { eventually } from '../support/eventually.js';

/** What a queue was given to do. */
interface Given {
  readonly n: number;
}

/**
 * What every job queue does, whatever it is made of.
 * @param start a queue by the name `work`, in a process that works on it
 */
export function jobQueueContract(
  start: (work: Work<Given>) => Promise<{ readonly queue: JobQueue; readonly stop: () => Promise<void> }>,
): void {
  let stop: () => Promise<void>;
  let queue: JobQueue;
  let runs: number[];
  let run: (given: Given) => Promise<Date | undefined>;
  beforeEach(async () => {
    runs = [];
    run = () => Promise.resolve(undefined);
    const work: Work<Given> = {
      module: 'notifications',
      concurrency: 2,
      timeoutMs: 500,
      run: (given) => {
        runs.push(given.n);
        return run(given);
      },
    };
    ({ queue, stop } = await start(work));
  });
  afterEach(() => stop());
  const add = (n: number, delayMs?: number): Promise<void> =>
    queue.add('work', [{ id: `job.${n}`, data: { n }, delayMs }]);
  const seen = (...expected: number[]): Promise<void> =>
    eventually(() => expect(runs.toSorted()).toEqual(expected), 15_000);

  it('does each job once', async () => {
    await Promise.all([add(1), add(2), add(3)]);
    await seen(1, 2, 3);
  });

  it('does a job that is added while it waits or runs once, and again when it is added later', async () => {
    let end!: () => void;
    const ended = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
    run = () => ended;
    await add(1);
    await add(1);
    await seen(1);
    await add(1);
    end();
    run = () => Promise.resolve(undefined);
    await eventually(async () => {
      await add(1);
      expect(runs).toEqual([1, 1]);
    });
  });

  it('waits as long as it is told', async () => {
    const begun = performance.now();
    await add(1, 400);
    await seen(1);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(390);
  });

  it('comes again at the time that the work says', async () => {
    const times: number[] = [];
    run = () => {
      times.push(performance.now());
      return Promise.resolve(times.length < 3 ? new Date(Date.now() + 300) : undefined);
    };
    await add(1);
    await seen(1, 1, 1);
    for (const at of [1, 2]) expect(times[at]! - times[at - 1]!).toBeGreaterThanOrEqual(290);
  });

  it('tries again what fails, later, and goes on with the rest meanwhile', async () => {
    const failures = new Map<number, number>();
    run = ({ n }) => {
      failures.set(n, (failures.get(n) ?? 0) + 1);
      if (n === 1 && failures.get(n)! < 3) throw new Error('not now');
      return Promise.resolve(undefined);
    };
    await add(1);
    await add(2);
    await seen(1, 1, 1, 2);
    expect(runs.indexOf(2)).toBeLessThan(runs.lastIndexOf(1));
  });

  it('takes a job that takes too long for failed', async () => {
    run = () => (runs.length === 1 ? delay(5000, undefined, { ref: false }) : Promise.resolve(undefined));
    await add(1);
    await seen(1, 1);
  });

  it('does as many at once as it is told, and no more', async () => {
    let inside = 0;
    let most = 0;
    run = async () => {
      most = Math.max(most, ++inside);
      await delay(50);
      inside--;
      return undefined;
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map((n) => add(n)));
    await seen(1, 2, 3, 4, 5, 6);
    expect(most).toBe(2);
  });

  it('ends when what runs has ended, and begins nothing more', async () => {
    let isDone = false;
    run = async () => {
      await delay(300);
      isDone = true;
      return undefined;
    };
    await add(1);
    await add(2, 2000);
    await seen(1);
    await stop();
    expect(isDone).toBe(true);
    stop = () => Promise.resolve();
    await delay(50);
    expect(runs).toEqual([1]);
  });
}
