import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { RedisUnavailable } from '../redis/redis.errors.js';
import { RedisScript } from '../redis/redis-script.js';
import { RequestRedis } from '../redis/request-redis.js';
import { CacheStore, type StoredAnswer } from './cache.store.js';

/** An expired generation only means a miss. */
export const GENERATION_MS = 24 * 60 * 60 * 1000;
/** Longer than any answer is kept: by then nothing is stored any more that somebody failed to forget. */
const LONGEST_ANSWER_MS = 15 * 60 * 1000;
/**
 * Characters. A page of long tasks can have megabytes, and whoever asks chooses how many different pages there are: such
 * answers are computed each time instead of filling Redis, or its connection, for everybody.
 */
const LONGEST_BODY = 128 * 1024;
const RETRY_MS = 250;
const RETRY_BATCH = 100;

/**
 * A server that restarts or takes over from another may bring back an older generation together with its answers. So a
 * generation begins with the run of the server that it was made on, and counts for that run only.
 * Takes the two keys, a token nobody has used, milliseconds; returns the entry of this generation, which begins with it,
 * else the generation alone. One text is what costs the client least to read.
 */
export const READ_CACHE = `
local function readCache(generationKey, answerKey, token, ms)
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
  local generation = redis.call('GET', generationKey)
  if not generation or string.sub(generation, 1, #run + 1) ~= run .. '.' then
    generation = run .. '.' .. token
    redis.call('SET', generationKey, generation, 'PX', ms)
    return generation
  end
  local entry = redis.call('GET', answerKey)
  if entry and string.sub(entry, 1, #generation + 1) == generation .. '\\n' then return entry end
  return generation
end`;
const READ = new RedisScript('cache.read', `${READ_CACHE}\nreturn readCache(KEYS[1], KEYS[2], ARGV[1], ARGV[2])`);

/** Stores nothing that nobody would look at. KEYS: generation, answer. ARGV: generation, entry, milliseconds. */
const WRITE = new RedisScript(
  'cache.write',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1`,
);

/** The next reader makes a new generation. Removing works even when Redis has no memory left to set one. */
const FORGET = new RedisScript('cache.forget', `return redis.call('DEL', KEYS[1])`);

/**
 * The cache that all processes share. While Redis is away it has nothing (`RedisUnavailable`). A `forget` that Redis did
 * not confirm does not fail the write it follows: this process goes without that owner's answers until it succeeded;
 * others may serve theirs until their time is over.
 */
@Injectable()
export class RedisCacheStore extends CacheStore implements OnApplicationShutdown {
  private readonly logger = new Logger('Cache');
  /** Owners to be forgotten, since when; each failure is an object of its own. */
  private readonly unforgotten = new Map<string, { readonly sinceMs: number }>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly redis: RequestRedis) {
    super();
  }

  /** Whether what Redis has for this owner may be old, because it could not be told so. */
  isBypassed(owner: string): boolean {
    return this.unforgotten.has(owner);
  }

  async read(owner: string, name: string): Promise<{ generation: string; answer?: StoredAnswer }> {
    if (this.isBypassed(owner)) throw new RedisUnavailable();
    const keys = [generationKey(this.redis, owner), answerKey(this.redis, owner, name)];
    return found((await this.redis.run(READ, keys, [randomUUID(), GENERATION_MS])) as string);
  }

  async write(owner: string, generation: string, name: string, answer: StoredAnswer, ttlMs: number): Promise<void> {
    if (answer.body.length > LONGEST_BODY) return;
    const keys = [generationKey(this.redis, owner), answerKey(this.redis, owner, name)];
    await this.redis.run(WRITE, keys, [generation, pack(generation, answer), ttlMs]);
  }

  async forget(owner: string): Promise<void> {
    try {
      await this.redis.run(FORGET, [generationKey(this.redis, owner)], []);
    } catch {
      this.unforgotten.set(owner, { sinceMs: performance.now() });
      this.timer ??= setInterval(() => void this.retry(), RETRY_MS).unref();
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async retry(): Promise<void> {
    if (this.redis.isAway) this.drop();
    else await Promise.all([...this.unforgotten].slice(0, RETRY_BATCH).map((entry) => this.forgetAgain(...entry)));
    if (this.unforgotten.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async forgetAgain(owner: string, failure: { readonly sinceMs: number }): Promise<void> {
    try {
      await this.redis.run(FORGET, [generationKey(this.redis, owner)], []);
      // Another write may have failed to forget since this attempt began.
      if (this.unforgotten.get(owner) === failure) this.unforgotten.delete(owner);
    } catch (error) {
      this.logger.debug(`still to be forgotten: ${(error as Error).message}`);
    }
  }

  private drop(): void {
    const endMs = performance.now() - LONGEST_ANSWER_MS;
    for (const [owner, { sinceMs }] of this.unforgotten) if (sinceMs < endMs) this.unforgotten.delete(owner);
  }
}

export const generationKey = (redis: RequestRedis, owner: string): string => redis.key(owner, 'generation');
export const answerKey = (redis: RequestRedis, owner: string, name: string): string => redis.key(owner, 'cache', name);

/** Lines, of which only the last may be long and hold anything: generation, tag, link, end of freshness, body. */
const pack = (generation: string, { etag, link = '', freshUntilMs, body }: StoredAnswer): string =>
  `${generation}\n${etag}\n${link}\n${freshUntilMs ?? ''}\n${body}`;

const ENTRY = /(.*)\n(.*)\n(.*)\n(.*)\n/y;

/** What `READ_CACHE` found, from this character on. */
export function found(reply: string, from = 0): { generation: string; answer?: StoredAnswer } {
  ENTRY.lastIndex = from;
  const entry = ENTRY.exec(reply);
  if (!entry) return { generation: reply.slice(from) };
  const [, generation, etag, link, freshUntil] = entry;
  const answer = {
    etag: etag!,
    link: link || undefined,
    freshUntilMs: freshUntil ? Number(freshUntil) : undefined,
    body: reply.slice(ENTRY.lastIndex),
  };
  return { generation: generation!, answer };
}
