import { Global, Module, type DynamicModule } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { JobQueue } from './job-queue.js';
import { LocalJobQueue } from './local-job-queue.js';

/** The one `JobQueue`: on Redis where one is configured, else in this process. */
@Global()
@Module({})
export class JobsModule {
  static async for(config: AppConfig, queues: readonly string[]): Promise<DynamicModule> {
    // A process that only answers requests adds no jobs, and needs no connection for them.
    const isShared = config.redis !== undefined && config.role !== 'api';
    // BullMQ takes 58 MB and a second of a start: not loaded where it is not used.
    const { imports, queue } = isShared
      ? (await import('./bull-jobs.js')).bullJobs(queues)
      : { imports: [], queue: LocalJobQueue };
    return { module: JobsModule, imports, providers: [{ provide: JobQueue, useClass: queue }], exports: [JobQueue] };
  }
}
