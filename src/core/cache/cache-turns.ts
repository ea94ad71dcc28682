import { randomUUID } from 'node:crypto';
import { RedisUnavailable } from '../redis/redis.errors.js';
import { RedisScript } from '../redis/redis-script.js';
import type { RequestRedis } from '../redis/request-redis.js';
import type { CacheEntry } from './cached.js';

/** Ends a turn. Never fails: a turn that is not ended ends by itself. */
export type EndTurn = () => Promise<void>;

/** The port by which the processes agree on who computes an answer that all of them wait for. */
export abstract class CacheTurns {
  /** Undefined while it is somebody else's turn: until that one ends it, and for `ms` milliseconds at most. */
  abstract take(entry: CacheEntry, ms: number): Promise<EndTurn | undefined>;
}

/** Turns within one process. */
export class MemoryCacheTurns extends CacheTurns {
  private readonly taken = new Map<string, { readonly untilMs: number }>();

  take({ owner, name }: CacheEntry, ms: number): Promise<EndTurn | undefined> {
    const key = `${owner}:${name}`;
    const nowMs = performance.now();
    if ((this.taken.get(key)?.untilMs ?? -Infinity) > nowMs) return Promise.resolve(undefined);
    const turn = { untilMs: nowMs + ms };
    this.taken.set(key, turn);
    return Promise.resolve(() => {
      if (this.taken.get(key) === turn) this.taken.delete(key);
      return Promise.resolve();
    });
  }
}

const TAKE = new RedisScript(
  'cache.turn',
  `return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`,
);
const END = new RedisScript(
  'cache.end-turn',
  `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0`,
);

/** Turns of all processes. While Redis is away it is everybody's. */
export class RedisCacheTurns extends CacheTurns {
  constructor(private readonly redis: RequestRedis) {
    super();
  }

  async take({ owner, name }: CacheEntry, ms: number): Promise<EndTurn | undefined> {
    const keys = [this.redis.key(owner, 'turn', name)];
    const token = randomUUID();
    const end = (): Promise<void> =>
      this.redis.run(END, keys, [token]).then(
        () => undefined,
        () => undefined,
      );
    try {
      return (await this.redis.run(TAKE, keys, [token, ms])) === 1 ? end : undefined;
    } catch (error) {
      if (error instanceof RedisUnavailable) return end;
      throw error;
    }
  }
}
