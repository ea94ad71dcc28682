import type { ModuleName } from '../../config/modules.js';

export interface NewJob<T> {
  /** While a job with this id waits or runs, another one is the same job. `a-z`, digits, `.` and `-`. */
  readonly id: string;
  /** All that the work needs to find the rest in the database; no secrets. */
  readonly data: T;
  /** Not before so many milliseconds from now. */
  readonly delayMs?: number;
}

export interface Work<T> {
  /** Done in processes that serve it. */
  readonly module: ModuleName;
  /** Jobs at the same time in one process. */
  readonly concurrency: number;
  /** Then the job has failed, whatever becomes of what it began. */
  readonly timeoutMs: number;
  /**
   * Bears being called twice for one job. What it throws makes the job come again, `ATTEMPTS` times in all.
   * @returns when it wants to be called again; nothing when the job is done
   */
  readonly run: (data: T) => Promise<Date | undefined>;
}

/** How often a job is tried that throws. */
export const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 1000;

/** Milliseconds until the next try: doubled each time, and shortened at random, so that not all come back at once. */
export const pauseAfter = (failures: number): number =>
  FIRST_PAUSE_MS * 2 ** (failures - 1) * (0.5 + 0.5 * Math.random());

/**
 * Work that is to be done soon, beside the requests, in whichever process has time for it. Only speed: a job may be lost
 * with Redis or with the process, and whoever added it knows from the database what is still to be done, and adds it
 * again.
 */
export abstract class JobQueue {
  /** To be called in `onModuleInit`. @param queue `a-z` */
  abstract process<T>(queue: string, work: Work<T>): void;

  /** Resolves soon also when Redis is away: then the jobs are lost. */
  abstract add<T>(queue: string, jobs: readonly NewJob<T>[]): Promise<void>;
}

/** @throws what `run` throws, or that it took too long: whoever began something that bears no interruption is not heard */
export async function within<T>(timeoutMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  let expire!: () => void;
  const expired = new Promise<never>((_resolve, reject) => {
    expire = () => reject(new Error(`took longer than ${timeoutMs} ms`));
  });
  signal.addEventListener('abort', expire, { once: true });
  try {
    return await Promise.race([run(signal), expired]);
  } finally {
    signal.removeEventListener('abort', expire);
  }
}
