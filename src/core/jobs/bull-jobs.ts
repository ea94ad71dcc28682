import { BullModule } from '@nestjs/bullmq';
import type { DynamicModule } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { QueueRedis } from '../redis/queue-redis.js';
import { BullJobQueue, JOB_OPTIONS, jobsPrefix } from './bull-job-queue.js';

/** Queues of BullMQ over the one client for queues. */
export const bullJobs = (queues: readonly string[]): { imports: DynamicModule[]; queue: typeof BullJobQueue } => ({
  imports: [bullWithOurClient(), BullModule.registerQueue(...queues.map((name) => ({ name })))],
  queue: BullJobQueue,
});

const bullWithOurClient = (): DynamicModule =>
  BullModule.forRootAsync({
    inject: [QueueRedis, AppConfig],
    useFactory: ({ client }: QueueRedis, { redis }: AppConfig) => {
      // A queue that opened the connection would give up for ever when the first attempt fails.
      void client.connect().catch(() => undefined);
      return { connection: client as never, prefix: jobsPrefix(redis!.prefix), defaultJobOptions: JOB_OPTIONS };
    },
  });
