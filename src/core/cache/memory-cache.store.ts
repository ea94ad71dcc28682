import { Injectable } from '@nestjs/common';
import { createCache, type Cache } from 'cache-manager';
import { KeyvCacheableMemory } from 'cacheable';
import { Keyv } from 'keyv';
import { randomUUID } from 'node:crypto';
import { CacheStore, type StoredAnswer } from './cache.store.js';

/** Entries; the least recently used go first. An evicted generation only means a miss. */
const MAX_ENTRIES = 10_000;

/** The cache of a single process, on cache-manager. */
@Injectable()
export class MemoryCacheStore extends CacheStore {
  private readonly cache: Cache = createCache({
    stores: [new Keyv({ store: new KeyvCacheableMemory({ lruSize: MAX_ENTRIES }), useKeyPrefix: false })],
  });

  async read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }> {
    const generation = await this.cache.get<string>(generationKey(owner));
    if (generation === undefined) return { generation: await this.renew(owner) };
    return { generation, answer: await this.cache.get<StoredAnswer>(answerKey(owner, generation, name)) };
  }

  async write(owner: string, generation: string, name: string, answer: StoredAnswer, ttlMs: number): Promise<void> {
    await this.cache.set(answerKey(owner, generation, name), answer, ttlMs);
  }

  async forget(owner: string): Promise<void> {
    await this.renew(owner);
  }

  private async renew(owner: string): Promise<string> {
    const generation = randomUUID();
    await this.cache.set(generationKey(owner), generation);
    return generation;
  }
}

const generationKey = (owner: string): string => `tf:{${owner}}:generation`;
const answerKey = (owner: string, generation: string, name: string): string => `tf:{${owner}}:${generation}:${name}`;
