import type { ModuleName } from '../../config/modules.js';
import { backoffMs } from '../time/backoff.js';

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
/** Milliseconds until the next try. */
export const pauseAfter = (failures: number): number => backoffMs(failures, { firstMs: 1000, jitter: 0.5 });

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
