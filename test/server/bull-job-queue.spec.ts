import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { JobQueue } from '../../src/core/jobs/job-queue.js';
import { JobsModule } from '../../src/core/jobs/jobs.module.js';
import { QueueRedis } from '../../src/core/redis/queue-redis.js';
import { RedisModule } from '../../src/core/redis/redis.module.js';
import { jobQueueContract } from '../contract/job-queue.contract.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';

Logger.overrideLogger(false);

@Module({})
class Worker {}

describe('BullJobQueue', () => {
  let redis: RedisProcess;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  let runs = 0;

  jobQueueContract(async (work) => {
    const config = loadConfig({
      MONGODB_URI: 'mongodb://nowhere',
      JWT_KEYS: generateJwtKey(),
      SECRET_KEY: 'x'.repeat(32),
      REDIS_URL: redis.url,
      REDIS_PREFIX: `test${++runs}`,
    });
    const imports = [ConfigModule.with(config), RedisModule.for(config), await JobsModule.for(config, ['work'])];
    const worker = {
      provide: 'worker',
      inject: [JobQueue],
      useFactory: (queue: JobQueue): boolean => {
        queue.process('work', work);
        return true;
      },
    };
    const app = await NestFactory.createApplicationContext({ module: Worker, imports, providers: [worker] });
    await eventually(() => expect(app.get(QueueRedis, { strict: false }).client.status).toBe('ready'));
    return { queue: app.get(JobQueue, { strict: false }), stop: () => app.close() };
  });
});
