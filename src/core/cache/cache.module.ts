import { Global, Module } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { RequestRedis } from '../redis/request-redis.js';
import { CacheTurns, MemoryCacheTurns, RedisCacheTurns } from './cache-turns.js';
import { CacheMetrics } from './cache-metrics.js';
import { CacheStore } from './cache.store.js';
import { FreshLoads } from './fresh-loads.js';
import { MemoryCacheStore } from './memory-cache.store.js';
import { RedisCacheStore } from './redis-cache.store.js';

/** Binds the cache port. Whoever writes a user's data calls `CacheStore.forget(owner)` after the write, awaited. */
@Global()
@Module({
  providers: [
    CacheMetrics,
    {
      provide: CacheStore,
      inject: [{ token: RequestRedis, optional: true }],
      useFactory: (redis?: RequestRedis) => (redis ? new RedisCacheStore(redis) : new MemoryCacheStore()),
    },
    {
      provide: CacheTurns,
      inject: [{ token: RequestRedis, optional: true }],
      useFactory: (redis?: RequestRedis) => (redis ? new RedisCacheTurns(redis) : new MemoryCacheTurns()),
    },
    {
      provide: FreshLoads,
      inject: [AppConfig],
      useFactory: ({ mongo }: AppConfig) => new FreshLoads(mongo.maxPoolSize),
    },
  ],
  exports: [CacheMetrics, CacheStore, CacheTurns, FreshLoads],
})
export class CacheModule {}
