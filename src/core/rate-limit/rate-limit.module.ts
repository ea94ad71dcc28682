import { Global, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../../config/config.js';
import { DurableRateLimitRepository } from './durable-rate-limit.repository.js';
import { MemoryRateLimitStore } from './memory-rate-limit.store.js';
import { RequestRedis } from '../redis/request-redis.js';
import { RateLimitMetrics } from './rate-limit-metrics.js';
import { RedisRateLimitStore } from './redis-rate-limit.store.js';
import { RATE_LIMIT_MODEL, rateLimitSchema } from './rate-limit.schema.js';
import { RateLimitStore } from './rate-limit.store.js';

@Global()
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => [{ name: 'default', limit: config.rateLimitPerMinute, ttl: 60_000 }],
    }),
    MongooseModule.forFeature([{ name: RATE_LIMIT_MODEL, schema: rateLimitSchema }]),
  ],
  providers: [
    DurableRateLimitRepository,
    MemoryRateLimitStore,
    RateLimitMetrics,
    {
      provide: RateLimitStore,
      inject: [AppConfig, MemoryRateLimitStore, RateLimitMetrics, { token: RequestRedis, optional: true }],
      useFactory: (
        { apiInstances }: AppConfig,
        memory: MemoryRateLimitStore,
        metrics: RateLimitMetrics,
        redis?: RequestRedis,
      ) => (redis ? new RedisRateLimitStore(redis, memory, apiInstances, metrics) : memory),
    },
  ],
  exports: [RateLimitStore, DurableRateLimitRepository, RateLimitMetrics, ThrottlerModule],
})
export class RateLimitModule {}
