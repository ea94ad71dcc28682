import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { RedisScript } from '../redis/redis-script.js';
import { RequestRedis } from '../redis/request-redis.js';
import { SubscriberRedis } from '../redis/subscriber-redis.js';
import { Clock } from '../time/clock.js';
import { RevocationChannel, type RevocationListener } from './revocation-channel.js';
import { endedKey, minVersionKey } from './revocation-keys.js';
import type { Revocation } from './revocation.store.js';

const RETRY_MS = 250;
/** More than these are not remembered while Redis is away: the others find them in MongoDB. */
const MAX_UNSENT = 10_000;

/** KEYS: what remembers it · ARGV: value, milliseconds, channel, message. A lower version never replaces a higher one. */
const REVOKE = new RedisScript(
  'revocation.spread',
  `
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
local value = math.max(known, tonumber(ARGV[1]))
local ms = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%d', value), 'PX', ms)
return redis.call('PUBLISH', ARGV[3], ARGV[4])`,
);

/** Revocations in Redis: a key that scripts can ask while a token lives, and a message to every process. */
@Injectable()
export class RedisRevocationChannel extends RevocationChannel implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisRevocationChannel.name);
  private readonly unsent = new Map<string, { userId: string; revocation: Revocation }>();
  private retry?: NodeJS.Timeout;

  constructor(
    private readonly redis: RequestRedis,
    private readonly subscriber: SubscriberRedis,
    private readonly clock: Clock,
  ) {
    super();
  }

  listen(listener: RevocationListener): void {
    this.subscriber.listen(this.channel, {
      onJoined: () => listener.onJoined(),
      onLost: () => listener.onLost(),
      onMessage: (message) => {
        const revocation = readMessage(message);
        if (revocation) listener.onRevoked(revocation);
        else this.logger.warn('a message on the revocation channel could not be read');
      },
    });
  }

  async spread(userId: string, revocation: Revocation): Promise<void> {
    if (await this.send(userId, revocation)) return;
    if (this.unsent.size < MAX_UNSENT) this.unsent.set(`${revocation.kind}:${revocation.id}`, { userId, revocation });
    this.retry ??= setTimeout(() => void this.sendUnsent(), RETRY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.retry);
    this.unsent.clear();
  }

  private get channel(): string {
    return this.redis.channel('revocations');
  }

  /** Whoever listens while this process cannot reach Redis would otherwise learn of it only by looking. */
  private async sendUnsent(): Promise<void> {
    for (const [name, { userId, revocation }] of this.unsent) {
      if (!(await this.send(userId, revocation))) break;
      this.unsent.delete(name);
    }
    this.retry = this.unsent.size > 0 ? setTimeout(() => void this.sendUnsent(), RETRY_MS).unref() : undefined;
  }

  private async send(userId: string, revocation: Revocation): Promise<boolean> {
    const ms = revocation.expiresAt.getTime() - this.clock.now().getTime();
    if (ms <= 0) return true;
    const isSession = revocation.kind === 'session';
    const key = isSession ? endedKey(this.redis, userId, revocation.id) : minVersionKey(this.redis, userId);
    const args = [isSession ? 1 : revocation.minVersion, ms, this.channel, JSON.stringify(revocation)];
    return this.redis.run(REVOKE, [key], args).then(
      () => true,
      (error: Error) => {
        if (!this.redis.isAway) this.logger.warn(`a revocation could not be spread yet: ${error.message}`);
        return false;
      },
    );
  }
}

/** Undefined when it is not one of ours: the channel is open to whoever reaches Redis. */
function readMessage(message: string): Revocation | undefined {
  try {
    const { kind, id, minVersion, expiresAt } = JSON.parse(message) as Record<string, unknown>;
    const until = new Date(String(expiresAt));
    if (typeof id !== 'string' || Number.isNaN(until.getTime())) return undefined;
    if (kind === 'session') return { kind, id, expiresAt: until };
    return kind === 'user' && Number.isSafeInteger(minVersion)
      ? { kind, id, minVersion: Number(minVersion), expiresAt: until }
      : undefined;
  } catch {
    return undefined;
  }
}
