import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { AppConfig } from '../../config/config.js';
import { QueueRedis } from './queue-redis.js';
import { RequestRedis } from './request-redis.js';
import { SubscriberRedis } from './subscriber-redis.js';

/**
 * Redis, where one is configured; else nothing. Whoever has a store on Redis and one without binds by
 * `inject: [{ token: RequestRedis, optional: true }]`.
 */
@Global()
@Module({})
export class RedisModule {
  static for(config: AppConfig): DynamicModule {
    const providers = config.redis ? [RequestRedis, SubscriberRedis, QueueRedis] : [];
    return { module: RedisModule, providers, exports: providers };
  }
}
