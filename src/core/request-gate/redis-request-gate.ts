import { randomUUID } from 'node:crypto';
import { answerKey, found, GENERATION_MS, generationKey, READ_CACHE } from '../cache/redis-cache.store.js';
import type { RedisCacheStore } from '../cache/redis-cache.store.js';
import { CONSUME, limitArgs, limitKey, readResults } from '../rate-limit/redis-rate-limit.store.js';
import type { RedisRateLimitStore } from '../rate-limit/redis-rate-limit.store.js';
import { RedisUnavailable } from '../redis/redis.errors.js';
import { RedisScript } from '../redis/redis-script.js';
import type { RequestRedis } from '../redis/request-redis.js';
import { endedKey, minVersionKey } from '../security/revocation-keys.js';
import { RequestGate, type Admission, type Entrance } from './request-gate.js';

/**
 * KEYS: limit, ended session, lowest version and, for a cached read, generation, answer. ARGV: limit, milliseconds, the
 * token's version, and for a cached read what `READ_CACHE` wants.
 */
const ENTER = new RedisScript(
  'request.enter',
  `${CONSUME}
${READ_CACHE}
local limit = consume({KEYS[1]}, {ARGV[1], ARGV[2], 'count'})
local ended = redis.call('EXISTS', KEYS[2]) == 1
local lowest = tonumber(redis.call('GET', KEYS[3]) or '0')
local revoked = (ended or tonumber(ARGV[3]) < lowest) and 1 or 0
if #KEYS < 5 then return {limit, revoked} end
return {limit, revoked, readCache(KEYS[4], KEYS[5], ARGV[4], ARGV[5])}`,
);

/**
 * One round trip for limit, revocation, generation and body. It is possible because everything of a user lies on one
 * server. Without Redis the limit is counted here, revocations are what this process has heard of, and nothing is cached.
 */
export class RedisRequestGate extends RequestGate {
  constructor(
    private readonly redis: RequestRedis,
    private readonly limits: RedisRateLimitStore,
    private readonly cache: RedisCacheStore,
  ) {
    super();
  }

  async enter(entrance: Entrance): Promise<Admission> {
    try {
      return await this.ask(entrance);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      const [limit] = await this.limits.consumeLocally([entrance.limit]);
      return { limit: limit!, isRevoked: false, cached: {} };
    }
  }

  private async ask({ limit, principal, cacheEntry }: Entrance): Promise<Admission> {
    if (!principal) {
      const [result] = await this.limits.consume([limit]);
      return { limit: result!, isRevoked: false };
    }
    const { userId, sessionId, version } = principal;
    const keys = [
      limitKey(this.redis, limit),
      endedKey(this.redis, userId, sessionId),
      minVersionKey(this.redis, userId),
    ];
    const args: (string | number)[] = [...limitArgs([limit]), version];
    // What belongs to all admins lies elsewhere; the cache is asked for it separately.
    const isCached = cacheEntry?.owner === userId;
    const isRead = isCached && !this.cache.isBypassed(userId);
    if (isRead) {
      keys.push(generationKey(this.redis, userId), answerKey(this.redis, userId, cacheEntry.name));
      args.push(randomUUID(), GENERATION_MS);
    }
    const reply = (await this.redis.run(ENTER, keys, args)) as [unknown, number, unknown];
    const [result] = readResults([limit], reply[0]);
    const cached = isRead ? found(reply[2]) : isCached ? {} : undefined;
    return { limit: result!, isRevoked: reply[1] === 1, cached };
  }
}
