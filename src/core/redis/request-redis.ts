import { Injectable, Logger, Optional, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { tracingChannel } from 'node:diagnostics_channel';
import type { Writable } from 'node:stream';
import { AppConfig, type RedisConfig } from '../../config/config.js';
import type { DurationSeries } from '../metrics/durations.js';
import { Metrics } from '../metrics/metrics.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { DeadlineExceeded, answerWithin } from './deadline.js';
import { createRedisClient, type RedisClient } from './redis-client.js';
import { isAway, RedisUnavailable } from './redis.errors.js';
import { RedisScript } from './redis-script.js';

/** Milliseconds a request waits for one answer. */
const ANSWER_MS = 100;
/** Milliseconds a start waits for the first connection, so that Redis is used from the first request on. */
const START_MS = 1000;
const PROBE_MS = 250;
const WRITTEN_TOGETHER = 8;
/** Seconds, up to two times the limit: a busy process waits once more. */
const CALL_BUCKETS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2];

/** Each call that is tried, by the name of its script; whoever records traces listens. */
export const REDIS_CALLS = tracingChannel<{ readonly script: string }>('taskflow:redis');

/** Writes: a server that can only read is of no use to us. */
const PROBE = new RedisScript('probe', `return redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)`);

/**
 * Redis on the path of a request. A call answers within 100 ms or throws `RedisUnavailable`, at once while the breaker
 * is open; then a probe in the background finds out when Redis is back. Nothing is queued and nothing is sent twice.
 */
@Injectable()
export class RequestRedis implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly settings: RedisConfig;
  private readonly client: RedisClient;
  private readonly durations;
  private readonly failures;
  private readonly breaker = new CircuitBreaker((isOpen) => this.changed(isOpen));
  private readonly loading = new Map<string, Promise<unknown>>();
  /** The connection that waits for more commands, and how many it has. */
  private holding?: Writable;
  private held = 0;
  private probing?: NodeJS.Timeout;
  private failedProbes = 0;
  private lastError = 'no connection';

  constructor(config: AppConfig, @Optional() metrics?: Metrics) {
    if (!config.redis) throw new Error('RequestRedis without a Redis: RedisModule.for() binds it by configuration');
    this.settings = config.redis;
    this.durations = metrics?.durations(
      'taskflow_redis_call_duration_seconds',
      'Calls to Redis on the path of a request',
      ['script'],
      CALL_BUCKETS,
    );
    this.failures = metrics?.counter('taskflow_redis_failures_total', 'Calls that Redis did not serve', ['reason']);
    metrics?.measured('taskflow_redis_breaker_open', 'Whether calls fail at once because the last ones did', () =>
      Number(this.isAway),
    );
    this.client = createRedisClient(config.redis);
    this.client.on('error', (error: Error) => {
      this.lastError = error.message;
    });
    this.client.on('ready', () => void this.probe());
  }

  /** Whether calls fail at once because the last ones did. */
  get isAway(): boolean {
    return this.breaker.isOpen;
  }

  /** Whether keys of different tags may lie on different servers, so that no script can have both. */
  get isCluster(): boolean {
    return this.client.isCluster;
  }

  /** `tf:{<owner>}:part:part`: all keys with one owner (a user's id, `ip:…`) lie on one server of a cluster. */
  key(owner: string, ...parts: readonly string[]): string {
    let key = `${this.settings.prefix}:{${owner}}`;
    for (const part of parts) key += `:${part}`;
    return key;
  }

  /** For pub/sub, which knows no slots and no databases: `tf:part:part`. */
  channel(...parts: readonly string[]): string {
    return [this.settings.prefix, ...parts].join(':');
  }

  async onModuleInit(): Promise<void> {
    const connected = this.client.connect().catch((error: Error) => {
      this.lastError = error.message;
    });
    await answerWithin(START_MS, connected).catch(() => this.logger.warn(`Redis is not there yet: ${this.lastError}`));
  }

  onApplicationShutdown(): void {
    clearInterval(this.probing);
    this.client.disconnect();
  }

  /**
   * Runs a script, atomically, in one round trip. After an error it may have run all the same.
   * @param keys all with the same `{tag}`
   * @throws RedisUnavailable
   */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (this.breaker.isOpen) {
      this.failures?.inc({ reason: 'breaker' });
      return Promise.reject(new RedisUnavailable());
    }
    const attempt = (): Promise<unknown> => this.attempt(script, keys, args, this.durations?.series(script.name));
    return REDIS_CALLS.tracePromise(attempt, { script: script.name });
  }

  /** Says something to whoever listens just now; while Redis is away nobody does. No call waits for it. */
  publish(channel: string, message: string): void {
    if (!this.breaker.isOpen) this.client.publish(channel, message).catch(() => undefined);
  }

  /** Asks Redis itself, the breaker aside: for health probes. */
  async isUp(): Promise<boolean> {
    return this.attempt(PROBE, [this.key('probe', 'alive')], [1]).then(
      () => true,
      () => false,
    );
  }

  /** As few promises as possible: every request pays for them. */
  private attempt(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    duration?: DurationSeries,
  ): Promise<unknown> {
    const startMs = performance.now();
    const answered = (reply: unknown): unknown => {
      duration?.observe((performance.now() - startMs) / 1000);
      this.breaker.succeed();
      return reply;
    };
    const failed = (error: Error): never => {
      duration?.observe((performance.now() - startMs) / 1000);
      if (!isAway(error)) throw error;
      this.lastError = error.message;
      this.breaker.fail();
      this.failures?.inc({ reason: error instanceof DeadlineExceeded ? 'timeout' : 'error' });
      throw new RedisUnavailable();
    };
    this.writeTogether();
    const asked = this.client.evalsha(script.sha, keys.length, ...keys, ...args);
    const unknown = (error: Error): Promise<unknown> | undefined =>
      isUnknownScript(error) ? this.load(script, keys, args) : undefined;
    return answerWithin(ANSWER_MS, asked, unknown).then(answered, failed);
  }

  /**
   * Commands of one turn of the event loop are written together, for each write is a system call; a few at a time, so that
   * Redis begins with them while other requests are read.
   */
  private writeTogether(): void {
    if (!(this.client instanceof Redis)) return;
    if (this.held === WRITTEN_TOGETHER) this.write();
    if (this.held === 0) {
      this.holding = this.client.stream;
      // Absent before the first connection.
      this.holding?.cork();
      setImmediate(this.write);
    }
    this.held++;
  }

  private readonly write = (): void => {
    this.holding?.uncork();
    this.holding = undefined;
    this.held = 0;
  };

  /** One of many sends the whole of a script that Redis does not know; the others wait for it and name it again. */
  private async load(
    { sha, lua }: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const whole = (): Promise<unknown> => this.client.eval(lua, keys.length, ...keys, ...args);
    const loading = this.loading.get(sha);
    if (loading) {
      await loading.catch(() => undefined);
      // Another node of a cluster may still not know it.
      return this.client
        .evalsha(sha, keys.length, ...keys, ...args)
        .catch((error: unknown) => (isUnknownScript(error) ? whole() : Promise.reject(error as Error)));
    }
    const load = whole().finally(() => this.loading.delete(sha));
    this.loading.set(sha, load);
    return load;
  }

  private changed(isOpen: boolean): void {
    if (isOpen) {
      this.logger.warn(`Redis is away: ${this.lastError}`);
      this.probing = setInterval(() => void this.probe(), PROBE_MS).unref();
      return;
    }
    clearInterval(this.probing);
    this.failedProbes = 0;
    this.logger.log('Redis is back');
  }

  /** While the breaker is open. A connection that stays silent is dropped: the other side may have forgotten it. */
  private async probe(): Promise<void> {
    if (!this.breaker.isOpen || this.client.status !== 'ready') return;
    if (await this.isUp()) return;
    this.failedProbes++;
    if (this.failedProbes % 3 === 0 && this.client.status === 'ready') this.client.disconnect(true);
  }
}

const isUnknownScript = (error: unknown): boolean => (error as Error).message.startsWith('NOSCRIPT');
