import { Injectable } from '@nestjs/common';
import { createCache, type Cache } from 'cache-manager';
import { KeyvCacheableMemory } from 'cacheable';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { randomUUID } from 'node:crypto';
import { CacheStore, type StoredAnswer } from './cache.store.js';

/** Owners whose generation is held; the one used longest ago goes first, and that only means a miss. */
const MAX_OWNERS = 10_000;

/**
 * Characters of all answers together: some 64 MB at most. A page may have megabytes and whoever asks chooses how many
 * different pages there are, so that a number of entries would be no limit.
 */
const MAX_CHARACTERS = 32 * 1024 * 1024;
/** What an entry takes beside its body. */
const ENTRY_OVERHEAD = 500;

/** What Keyv hands to its store while nothing is serialised. */
interface Kept {
  readonly value: StoredAnswer;
}

/** An LRU under a limit of characters as Keyv wants its stores: its third argument is a time and not lru-cache's options. */
function boundedStore(): Pick<Map<string, Kept>, 'get' | 'delete' | 'clear'> & { set(key: string, kept: Kept): void } {
  const kept = new LRUCache<string, Kept>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: ({ value }) => value.body.length + ENTRY_OVERHEAD,
  });
  return {
    get: (key) => kept.get(key),
    set: (key, entry) => void kept.set(key, entry),
    delete: (key) => kept.delete(key),
    clear: () => kept.clear(),
  };
}

/** The cache of a single process, on cache-manager. */
@Injectable()
export class MemoryCacheStore extends CacheStore {
  private readonly generations: Cache = createCache({
    stores: [new Keyv({ store: new KeyvCacheableMemory({ lruSize: MAX_OWNERS }), useKeyPrefix: false })],
  });

  private readonly answers: Cache = createCache({
    stores: [new Keyv({ store: boundedStore(), useKeyPrefix: false, serialize: undefined, deserialize: undefined })],
  });

  async read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }> {
    const generation = await this.generations.get<string>(owner);
    if (generation === undefined) return { generation: await this.renew(owner) };
    return { generation, answer: await this.answers.get<StoredAnswer>(answerKey(owner, generation, name)) };
  }

  async write(owner: string, generation: string, name: string, answer: StoredAnswer, ttlMs: number): Promise<void> {
    await this.answers.set(answerKey(owner, generation, name), answer, ttlMs);
  }

  async forget(owner: string): Promise<void> {
    await this.renew(owner);
  }

  private async renew(owner: string): Promise<string> {
    const generation = randomUUID();
    await this.generations.set(owner, generation);
    return generation;
  }
}

const answerKey = (owner: string, generation: string, name: string): string => `${owner}:${generation}:${name}`;
