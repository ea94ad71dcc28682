import { randomUUID } from 'node:crypto';
import { answerKey, found, GENERATION_MS, generationKey, READ_CACHE } from '../cache/redis-cache.store.js';
import type { RedisCacheStore } from '../cache/redis-cache.store.js';
import { CONSUME, limitArgs, limitKey, readResults } from '../rate-limit/redis-rate-limit.store.js';
import type { RateLimit } from '../rate-limit/rate-limit.store.js';
import type { RedisRateLimitStore } from '../rate-limit/redis-rate-limit.store.js';
import { RedisUnavailable } from '../redis/redis.errors.js';
import { RedisScript } from '../redis/redis-script.js';
import type { RequestRedis } from '../redis/request-redis.js';
import { endedKey, minVersionKey } from '../security/revocation-keys.js';
import { RequestGate, type Admission, type Entrance } from './request-gate.js';

/**
 * KEYS: limit, ended session, lowest version and, for a cached read, generation, answer. ARGV: limit, milliseconds, the
 * token's version, and for a cached read what `READ_CACHE` wants. Returns a line with what `CONSUME` says and whether the
 * token is revoked, then what `READ_CACHE` says: the client takes longer to read a list.
 */
const ENTER = new RedisScript(
  'request.enter',
  `${CONSUME}
${READ_CACHE}
local limit = consume({KEYS[1]}, {ARGV[1], ARGV[2], 'count'})
local ended = redis.call('EXISTS', KEYS[2]) == 1
local lowest = tonumber(redis.call('GET', KEYS[3]) or '0')
local revoked = (ended or tonumber(ARGV[3]) < lowest) and 1 or 0
local head = table.concat(limit, ' ') .. ' ' .. revoked .. '\\n'
if #KEYS < 5 then return head end
return head .. readCache(KEYS[4], KEYS[5], ARGV[4], ARGV[5])`,
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

  enter({ limit, principal, cacheEntry }: Entrance): Promise<Admission> {
    if (!principal) return this.limits.consume([limit]).then(([result]) => ({ limit: result!, isRevoked: false }));
    const { userId, sessionId, version } = principal;
    const keys = [
      limitKey(this.redis, limit),
      endedKey(this.redis, userId, sessionId),
      minVersionKey(this.redis, userId),
    ];
    const args: (string | number)[] = [...limitArgs(limit), version];
    // What belongs to all admins lies elsewhere; the cache is asked for it separately.
    const isCached = cacheEntry?.owner === userId;
    const isRead = isCached && !this.cache.isBypassed(userId);
    if (isRead) {
      keys.push(generationKey(this.redis, userId), answerKey(this.redis, userId, cacheEntry.name));
      args.push(randomUUID(), GENERATION_MS);
    }
    return this.redis.run(ENTER, keys, args).then(
      (reply) => {
        const text = reply as string;
        const end = text.indexOf('\n');
        const numbers = text.slice(0, end).split(' ').map(Number);
        const isRevoked = numbers.pop() === 1;
        const [result] = readResults([limit], numbers);
        const cached = isRead ? found(text, end + 1) : isCached ? {} : undefined;
        return { limit: result!, isRevoked, cached };
      },
      (error: unknown) => this.enterWithout(limit, error),
    );
  }

  /** @throws what is no outage of Redis */
  private async enterWithout(limit: RateLimit, error: unknown): Promise<Admission> {
    if (!(error instanceof RedisUnavailable)) throw error;
    const [result] = await this.limits.consumeLocally([limit]);
    return { limit: result!, isRevoked: false, cached: {} };
  }
}
