import { getQueueToken } from '@nestjs/bullmq';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DelayedError, Worker, type Job, type Queue } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import { AppConfig } from '../../config/config.js';
import { QueueRedis } from '../redis/queue-redis.js';
import { within } from '../time/within.js';
import { ATTEMPTS, JobQueue, pauseAfter, type NewJob, type Work } from './job-queue.js';

/** Whoever adds jobs waits no longer for Redis. */
const ADD_MS = 1000;
/** Longer than any job takes, so no lock has to be renewed: one whose process died runs again after at most twice that. */
const LOCK_MARGIN_MS = 5000;
const STALLED_EVERY_MS = 10_000;
/** A job whose process died so often is left to whoever added it. */
const MAX_STALLED = 3;
const RETRY_MS = 1000;
/** How long the end of the process waits for jobs that run. */
const CLOSE_MS = 10_000;

/** Begins every key of the jobs. In a cluster all keys of a queue lie on one server, as its scripts want. */
export const jobsPrefix = (prefix: string): string => `{${prefix}:jobs}`;

/** Jobs in Redis, by BullMQ: any process adds them, any that serves their module does them. */
@Injectable()
export class BullJobQueue extends JobQueue implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly works = new Map<string, Work<unknown>>();
  private readonly workers = new Set<Worker>();
  private isClosing = false;

  constructor(
    private readonly redis: QueueRedis,
    private readonly config: AppConfig,
    private readonly modules: ModuleRef,
  ) {
    super();
  }

  process<T>(queue: string, work: Work<T>): void {
    this.works.set(queue, work as Work<unknown>);
  }

  async add<T>(queue: string, jobs: readonly NewJob<T>[]): Promise<void> {
    if (jobs.length === 0 || this.redis.client.status !== 'ready') return;
    const bulk = jobs.map(({ id, data, delayMs }) => ({
      name: queue,
      data,
      opts: { jobId: id, delay: Math.max(0, delayMs ?? 0) },
    }));
    const added = this.modules.get<Queue>(getQueueToken(queue), { strict: false }).addBulk(bulk);
    await Promise.race([added, delay(ADD_MS, undefined, { ref: false })]).catch((error: Error) =>
      this.logger.warn(`${queue}: ${jobs.length} jobs were not added: ${error.message}`),
    );
  }

  onApplicationBootstrap(): void {
    for (const [queue, work] of this.works) {
      // An unheard error of a queue would be printed past the log; `QueueRedis` says it already.
      this.modules.get<Queue>(getQueueToken(queue), { strict: false }).on('error', () => undefined);
      if (this.config.modules.includes(work.module)) void this.start(queue, work);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    const closed = Promise.all([...this.workers].map((worker) => worker.close()));
    await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  /** A worker that finds no Redis when it begins stays without one for ever, so it begins when there is one. */
  private async start(queue: string, work: Work<unknown>): Promise<void> {
    for (; !this.isClosing; await delay(RETRY_MS, undefined, { ref: false })) {
      if (this.redis.client.status !== 'ready') continue;
      const worker = this.worker(queue, work);
      this.workers.add(worker);
      try {
        await worker.waitUntilReady();
        return;
      } catch {
        this.workers.delete(worker);
        await worker.close(true);
      }
    }
  }

  private worker(queue: string, work: Work<unknown>): Worker {
    const worker = new Worker(queue, (job, token) => this.run(work, job, token), {
      connection: this.redis.client,
      prefix: jobsPrefix(this.config.redis!.prefix),
      concurrency: work.concurrency,
      lockDuration: work.timeoutMs + LOCK_MARGIN_MS,
      // Its timer would also outlive a worker that could not say goodbye because Redis is away.
      skipLockRenewal: true,
      stalledInterval: STALLED_EVERY_MS,
      maxStalledCount: MAX_STALLED,
      settings: { backoffStrategy: (failures) => pauseAfter(failures) },
    });
    worker.on('error', () => undefined);
    worker.on('failed', (job, { message }) => this.logger.warn(`${job?.id ?? queue} failed: ${message}`));
    return worker;
  }

  private async run(work: Work<unknown>, job: Job, token?: string): Promise<void> {
    const again = await within(work.timeoutMs, () => work.run(job.data));
    if (!again) return;
    await job.moveToDelayed(again.getTime(), token);
    throw new DelayedError();
  }
}

/** Of every job. Its id is free again once it is over, so that it can be added again. */
export const JOB_OPTIONS = {
  attempts: ATTEMPTS,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
} as const;
