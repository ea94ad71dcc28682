import { Global, Module } from '@nestjs/common';
import { CacheStore } from '../cache/cache.store.js';
import { RedisCacheStore } from '../cache/redis-cache.store.js';
import { RateLimitStore } from '../rate-limit/rate-limit.store.js';
import { RedisRateLimitStore } from '../rate-limit/redis-rate-limit.store.js';
import { RequestRedis } from '../redis/request-redis.js';
import { Admissions } from './admissions.js';
import { CachedHits } from './cached-hits.js';
import { RedisRequestGate } from './redis-request-gate.js';
import { RequestGate } from './request-gate.js';
import { StoreRequestGate } from './store-request-gate.js';

/** Joins what is asked for every request, where limits and cache are both on Redis. */
@Global()
@Module({
  providers: [
    Admissions,
    CachedHits,
    {
      provide: RequestGate,
      inject: [RateLimitStore, CacheStore, { token: RequestRedis, optional: true }],
      useFactory: (limits: RateLimitStore, cache: CacheStore, redis?: RequestRedis) =>
        redis && limits instanceof RedisRateLimitStore && cache instanceof RedisCacheStore
          ? new RedisRequestGate(redis, limits, cache)
          : new StoreRequestGate(limits),
    },
  ],
  exports: [Admissions, CachedHits],
})
export class RequestGateModule {}
