import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { requestContext } from '../logging/request-context.js';
import { within } from '../time/within.js';
import { ATTEMPTS, JobQueue, pauseAfter, type NewJob, type Work } from './job-queue.js';

/** How long the end of the process waits for jobs that run. */
const CLOSE_MS = 10_000;

interface Queue {
  readonly work: Work<unknown>;
  readonly limit: LimitFunction;
  /** Those that wait or run; the timer of one that waits for its time. */
  readonly jobs: Map<string, NodeJS.Timeout | undefined>;
}

/** Jobs in the memory of this process, which is the one that adds them. */
@Injectable()
export class LocalJobQueue extends JobQueue implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly queues = new Map<string, Queue>();
  private readonly running = new Set<Promise<void>>();
  private isClosing = false;

  process<T>(queue: string, work: Work<T>): void {
    this.queues.set(queue, { work: work as Work<unknown>, limit: pLimit(work.concurrency), jobs: new Map() });
  }

  add<T>(name: string, jobs: readonly NewJob<T>[]): Promise<void> {
    const queue = this.queues.get(name);
    for (const { id, data, delayMs } of queue ? jobs : [])
      if (!queue!.jobs.has(id)) this.schedule(queue!, id, data, delayMs ?? 0, 0);
    return Promise.resolve();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    for (const { jobs, limit } of this.queues.values()) {
      for (const timer of jobs.values()) clearTimeout(timer);
      limit.clearQueue();
    }
    const timeout = AbortSignal.timeout(CLOSE_MS);
    const expired = new Promise((resolve) => timeout.addEventListener('abort', resolve, { once: true }));
    await Promise.race([Promise.allSettled(this.running), expired]);
  }

  private schedule(queue: Queue, id: string, data: unknown, delayMs: number, failures: number): void {
    if (this.isClosing) return;
    const begin = (): void => {
      queue.jobs.set(id, undefined);
      void queue.limit(() => this.track(this.run(queue, id, data, failures)));
    };
    // Whoever adds a job is in the middle of something whose request id does not belong to it.
    queue.jobs.set(
      id,
      requestContext.exit(() => setTimeout(begin, Math.max(0, delayMs)).unref()),
    );
  }

  private async run(queue: Queue, id: string, data: unknown, failures: number): Promise<void> {
    try {
      const again = await within(queue.work.timeoutMs, () => queue.work.run(data));
      queue.jobs.delete(id);
      if (again) this.schedule(queue, id, data, again.getTime() - Date.now(), 0);
    } catch (error) {
      queue.jobs.delete(id);
      this.logger.warn(`${id} failed: ${(error as Error).message}`);
      if (failures + 1 < ATTEMPTS) this.schedule(queue, id, data, pauseAfter(failures + 1), failures + 1);
    }
  }

  private async track(run: Promise<void>): Promise<void> {
    this.running.add(run);
    await run;
    this.running.delete(run);
  }
}
