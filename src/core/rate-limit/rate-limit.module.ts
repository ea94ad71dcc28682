import { Global, Module } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../../config/config.js';
import { MemoryRateLimitStore } from './memory-rate-limit.store.js';
import { RateLimitStore } from './rate-limit.store.js';

@Global()
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => [{ name: 'default', limit: config.rateLimitPerMinute, ttl: 60_000 }],
    }),
  ],
  providers: [{ provide: RateLimitStore, useClass: MemoryRateLimitStore }],
  exports: [RateLimitStore, ThrottlerModule],
})
export class RateLimitModule {}
