import { RedisUnavailable } from '../redis/redis.errors.js';
import { RedisScript } from '../redis/redis-script.js';
import { RequestRedis } from '../redis/request-redis.js';
import type { RateLimitMetrics } from './rate-limit-metrics.js';
import { RateLimitStore, type RateLimit, type RateLimitResult } from './rate-limit.store.js';
import { resultOf } from './sliding-window.js';

/**
 * The sliding window of `sliding-window.ts` on the server's clock, which is one for all processes: `consume(keys, args)`
 * with args `limit, milliseconds` for each key and what to do at the end: `count` counts when every limit has room,
 * `look` counts nothing, `undo` takes back what was counted. It returns `now, counted, start, count, previous, …`.
 * `undo` is only sent right after `count`; if the window has changed in between, the count fades as any other.
 */
export const CONSUME = `
local function consume(keys, args)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local action = args[#args]
  local windows, allowed = {}, action == 'count'
  for i, key in ipairs(keys) do
    local limit, length = tonumber(args[2 * i - 1]), tonumber(args[2 * i])
    local kept = redis.call('HMGET', key, 's', 'c', 'p')
    local start, count, previous = tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])
    local age = start and now - start or -1
    if age < 0 or age >= 2 * length then
      start, count, previous = now, 0, 0
    elseif age >= length then
      start, count, previous = start + length, 0, count
    end
    windows[i] = {start, count, previous, length}
    if count + previous * (1 - (now - start) / length) >= limit then allowed = false end
  end
  local change = allowed and 1 or action == 'undo' and -1 or 0
  local answer = {now, allowed and 1 or 0}
  for i, key in ipairs(keys) do
    local start, count, previous, length = unpack(windows[i])
    if change ~= 0 then
      count = math.max(0, count + change)
      redis.call('HSET', key, 's', start, 'c', count, 'p', previous)
      redis.call('PEXPIRE', key, start + 2 * length - now)
    end
    answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = start, count, previous
  end
  return answer
end`;
const SCRIPT = new RedisScript('rate-limit.consume', `${CONSUME}\nreturn consume(KEYS, ARGV)`);

type Action = 'count' | 'look' | 'undo';

/**
 * Limits that all processes count together, in one round trip. While Redis is away each process counts for itself, up
 * to its part of the limit.
 */
export class RedisRateLimitStore extends RateLimitStore {
  /** @param instances how many processes share the limits */
  constructor(
    private readonly redis: RequestRedis,
    private readonly local: RateLimitStore,
    private readonly instances: number,
    private readonly metrics?: RateLimitMetrics,
  ) {
    super();
  }

  async consume(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    try {
      return await (this.redis.isCluster && limits.length > 1 ? this.consumeApart(limits) : this.ask(limits, 'count'));
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return this.consumeLocally(limits);
    }
  }

  consumeLocally(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    this.metrics?.countedLocally();
    return this.local.consume(limits.map((limit) => ({ ...limit, limit: Math.ceil(limit.limit / this.instances) })));
  }

  /**
   * Keys of different servers, one after the other; when one is exhausted the others get back what was counted. In
   * between others see a request too many, never one too few.
   */
  private async consumeApart(limits: readonly RateLimit[]): Promise<readonly RateLimitResult[]> {
    const results: RateLimitResult[] = [];
    let action: Action = 'count';
    for (const limit of limits) {
      const [result] = await this.ask([limit], action);
      results.push(result!);
      if (!result!.allowed) action = 'look';
    }
    if (action === 'count') return results;
    const refusedAt = results.findIndex(({ allowed }) => !allowed);
    for (let n = 0; n < refusedAt; n++) results[n] = (await this.ask([limits[n]!], 'undo'))[0]!;
    return results;
  }

  private async ask(limits: readonly RateLimit[], action: Action): Promise<readonly RateLimitResult[]> {
    const keys = limits.map((limit) => limitKey(this.redis, limit));
    return readResults(limits, await this.redis.run(SCRIPT, keys, [...limits.flatMap(limitArgs), action]));
  }
}

export const limitKey = (redis: RequestRedis, { key, owner }: RateLimit): string =>
  owner === undefined ? redis.key(key, 'limit') : redis.key(owner, 'limit', key);

export const limitArgs = ({ limit, windowSeconds }: RateLimit): [number, number] => [limit, windowSeconds * 1000];

/** @param reply what `CONSUME` returned */
export function readResults(limits: readonly RateLimit[], reply: unknown): readonly RateLimitResult[] {
  const [nowMs, counted, ...windows] = reply as [number, number, ...number[]];
  return limits.map((limit, n) => {
    const [startMs = 0, count = 0, previous = 0] = windows.slice(3 * n, 3 * n + 3);
    return resultOf({ startMs, count, previous }, limit, nowMs, counted === 1);
  });
}
