import { BullModule } from '@nestjs/bullmq';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { QueueRedis } from '../redis/queue-redis.js';
import { BullJobQueue, JOB_OPTIONS, jobsPrefix } from './bull-job-queue.js';
import { JobQueue } from './job-queue.js';
import { LocalJobQueue } from './local-job-queue.js';

/** The one `JobQueue`: on Redis where one is configured, else in this process. */
@Global()
@Module({})
export class JobsModule {
  static for({ redis, role }: AppConfig, queues: readonly string[]): DynamicModule {
    // A process that only answers requests adds no jobs, and needs no connection for them.
    const isShared = redis !== undefined && role !== 'api';
    return {
      module: JobsModule,
      imports: isShared ? [bullWithOurClient(), BullModule.registerQueue(...queues.map((name) => ({ name })))] : [],
      providers: [{ provide: JobQueue, useClass: isShared ? BullJobQueue : LocalJobQueue }],
      exports: [JobQueue],
    };
  }
}

const bullWithOurClient = (): DynamicModule =>
  BullModule.forRootAsync({
    inject: [QueueRedis, AppConfig],
    useFactory: ({ client }: QueueRedis, { redis }: AppConfig) => {
      // A queue that opened the connection would give up for ever when the first attempt fails.
      void client.connect().catch(() => undefined);
      return { connection: client as never, prefix: jobsPrefix(redis!.prefix), defaultJobOptions: JOB_OPTIONS };
    },
  });
