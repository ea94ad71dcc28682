import { Global, Module } from '@nestjs/common';
import { CacheStore } from './cache.store.js';
import { MemoryCacheStore } from './memory-cache.store.js';

/** Binds the cache port. Whoever writes a user's data calls `CacheStore.forget(owner)` after the write, awaited. */
@Global()
@Module({ providers: [{ provide: CacheStore, useClass: MemoryCacheStore }], exports: [CacheStore] })
export class CacheModule {}
