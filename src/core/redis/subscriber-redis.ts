import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { AppConfig, type RedisConfig } from '../../config/config.js';
import { connectionOptions, serverOf } from './redis-client.js';

/** Milliseconds. A silent connection is taken for lost within two of them. */
const HEARTBEAT_MS = 400;
const RETRY_MS = 400;

/** Whoever listens to a channel. Callbacks return nothing and must not throw. */
export interface ChannelListener {
  onMessage(message: string): void;
  /** Messages come from here on. What was sent before was missed. */
  onJoined(): void;
  /** Messages may be missing from here on, and from up to a second ago. */
  onLost(): void;
}

/**
 * Messages between the processes, on a connection of its own: one that listens cannot ask. In a cluster every node has
 * all messages, so any of them will do. Nothing is kept for who is away: `onJoined` and `onLost` tell when.
 */
@Injectable()
export class SubscriberRedis implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly settings: RedisConfig;
  private readonly listeners = new Map<string, ChannelListener>();
  private client?: Redis;
  private isJoined = false;
  private attempts = 0;
  private timer?: NodeJS.Timeout;
  private isClosing = false;

  constructor(config: AppConfig) {
    if (!config.redis) throw new Error('SubscriberRedis without a Redis: RedisModule.for() binds it by configuration');
    this.settings = config.redis;
  }

  /** To be called in `onModuleInit`. @param channel see `RequestRedis.channel` */
  listen(channel: string, listener: ChannelListener): void {
    if (this.listeners.has(channel)) throw new Error(`${channel} has a listener already`);
    this.listeners.set(channel, listener);
  }

  onApplicationBootstrap(): Promise<void> {
    return this.listeners.size > 0 ? this.join() : Promise.resolve();
  }

  onApplicationShutdown(): void {
    this.isClosing = true;
    clearTimeout(this.timer);
    this.client?.disconnect();
  }

  private async join(): Promise<void> {
    const client = this.open();
    try {
      await client.connect();
      await client.subscribe(...this.listeners.keys());
      if (client.status !== 'ready') return;
      this.isJoined = true;
      for (const listener of this.listeners.values()) listener.onJoined();
      this.timer = setTimeout(() => void this.beat(client), HEARTBEAT_MS).unref();
    } catch {
      client.disconnect();
    }
  }

  private open(): Redis {
    const { clusterNodes } = this.settings;
    const server = clusterNodes[this.attempts++ % clusterNodes.length] ?? serverOf(this.settings);
    const client = new Redis({ ...connectionOptions(this.settings), ...server, retryStrategy: () => null });
    this.client = client;
    client.on('error', () => undefined); // `end` follows
    client.on('message', (channel: string, message: string) => this.listeners.get(channel)?.onMessage(message));
    client.once('end', () => this.lose());
    return client;
  }

  /** A peer that vanished without a word is noticed by its silence only. */
  private async beat(client: Redis): Promise<void> {
    try {
      await client.ping();
      if (client === this.client && client.status === 'ready') {
        this.timer = setTimeout(() => void this.beat(client), HEARTBEAT_MS).unref();
      }
    } catch {
      client.disconnect();
    }
  }

  private lose(): void {
    clearTimeout(this.timer);
    if (this.isClosing) return;
    if (this.isJoined) {
      this.isJoined = false;
      this.logger.warn('lost the messages of the other processes');
      for (const listener of this.listeners.values()) listener.onLost();
    }
    this.timer = setTimeout(() => void this.join(), RETRY_MS).unref();
  }
}
