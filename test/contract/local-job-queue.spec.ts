import { Logger } from '@nestjs/common';
import { LocalJobQueue } from '../../src/core/jobs/local-job-queue.js';
import { jobQueueContract } from './job-queue.contract.js';

Logger.overrideLogger(false);

describe('LocalJobQueue', () => {
  jobQueueContract((work) => {
    const queue = new LocalJobQueue();
    queue.process('work', work);
    return Promise.resolve({ queue, stop: () => queue.beforeApplicationShutdown() });
  });
});
