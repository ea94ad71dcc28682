import { Global, Module } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../../config/config.js';
import { MemoryRateLimitStore } from './memory-rate-limit.store.js';
import { RequestRedis } from '../redis/request-redis.js';
import { RedisRateLimitStore } from './redis-rate-limit.store.js';
import { RateLimitStore } from './rate-limit.store.js';

@Global()
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => [{ name: 'default', limit: config.rateLimitPerMinute, ttl: 60_000 }],
    }),
  ],
  providers: [
    MemoryRateLimitStore,
    {
      provide: RateLimitStore,
      inject: [AppConfig, MemoryRateLimitStore, { token: RequestRedis, optional: true }],
      useFactory: ({ apiInstances }: AppConfig, memory: MemoryRateLimitStore, redis?: RequestRedis) =>
        redis ? new RedisRateLimitStore(redis, memory, apiInstances) : memory,
    },
  ],
  exports: [RateLimitStore, ThrottlerModule],
})
export class RateLimitModule {}
