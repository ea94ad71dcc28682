import { Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Channel, ConsumeMessage } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppConfig } from '../../../config/config.js';
import type { DeadLetters } from '../dead-letters.js';
import type { EventHandlers } from '../event-handlers.js';
import { EventTransport, type LoggedEvent, type Subscription } from '../event-transport.js';
import type { LogConsumer } from '../log-consumer.js';
import { PREFETCH, RabbitConsumer } from './rabbit-consumer.js';
import { RabbitLink } from './rabbit-link.js';
import { bodyOf, readEvent } from './rabbit-message.js';

const EXCHANGE = 'taskflow.events';
/** Exchange and queue of what the broker gives up. */
const DEAD = 'taskflow.events.dead';
const queueOf = (group: string): string => `taskflow.${group}`;
/** An event that a process dies of comes back so many times. More than a handler's own attempts: restarts count, too. */
const DELIVERY_LIMIT = 20;
const STOP_MS = 5000;

/** Over RabbitMQ, which keeps what the groups have still to handle in a quorum queue for each. */
export class RabbitTransport extends EventTransport implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Events');
  private readonly subscriptions: Subscription[] = [];
  private readonly links: RabbitLink[] = [];
  private consumers: RabbitConsumer[] = [];
  private publisher?: RabbitLink;

  constructor(
    private readonly config: AppConfig,
    private readonly handlers: EventHandlers,
    private readonly consumer: LogConsumer,
    private readonly deadLetters: DeadLetters,
  ) {
    super();
  }

  subscribe(subscription: Subscription): void {
    this.handlers.add(subscription);
    this.subscriptions.push(subscription);
    // What the log still keeps for the group was published before there was a broker.
    this.consumer.add(subscription);
  }

  groupsFor(): readonly string[] {
    return [];
  }

  async publish(events: readonly LoggedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const messages = events.map((event) => ({ key: event.name, body: bodyOf(event), id: event.id, at: event.at }));
    await this.link().publish(EXCHANGE, messages);
  }

  /** Waits for no connection: a process starts, and answers, without a broker. */
  onApplicationBootstrap(): void {
    if (this.config.role === 'api') return;
    this.link();
    const { modules } = this.config;
    const mine = this.subscriptions.filter(({ module }) => modules.includes(module));
    this.links.push(
      new RabbitLink('consumer', this.config.eventsUrl!, this.logger, async (channel) => {
        await this.declare(channel);
        await channel.prefetch(PREFETCH);
        this.consumers = [];
        for (const subscription of mine) await this.consume(channel, subscription);
        await channel.consume(DEAD, (message) => message && void this.bury(channel, message));
      }),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    for (const consumer of this.consumers) consumer.stop();
    const ended = Promise.all(this.consumers.map((consumer) => consumer.ended()));
    await Promise.race([ended, delay(STOP_MS, undefined, { ref: false })]);
    await Promise.all(this.links.map((link) => link.close()));
  }

  private link(): RabbitLink {
    if (!this.publisher) {
      this.publisher = new RabbitLink('publisher', this.config.eventsUrl!, this.logger, (channel) =>
        this.declare(channel),
      );
      this.links.push(this.publisher);
    }
    return this.publisher;
  }

  /** Also by whoever only publishes: without a queue an event would be nobody's. */
  private async declare(channel: Channel): Promise<void> {
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
    await channel.assertExchange(DEAD, 'topic', { durable: true });
    await channel.assertQueue(DEAD, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.bindQueue(DEAD, DEAD, '#');
    for (const { group, names } of this.subscriptions) {
      await channel.assertQueue(queueOf(group), {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          // One process at a time, so that an owner's events stay in order.
          'x-single-active-consumer': true,
          'x-delivery-limit': DELIVERY_LIMIT,
          'x-dead-letter-exchange': DEAD,
          // Only then a dead letter is confirmed before it leaves the queue; the second is required for it.
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      });
      for (const name of names) await channel.bindQueue(queueOf(group), EXCHANGE, name);
    }
  }

  private async consume(channel: Channel, subscription: Subscription): Promise<void> {
    const consumer = new RabbitConsumer(subscription, channel, this.handlers);
    this.consumers.push(consumer);
    await channel.consume(queueOf(subscription.group), (message) => {
      if (message) consumer.receive(message);
      // The queue was deleted or has moved.
      else void channel.close().catch(() => undefined);
    });
  }

  /** What the broker has given up: its process died of it again and again, or it is no event. */
  private async bury(channel: Channel, message: ConsumeMessage): Promise<void> {
    const death = message.properties.headers?.['x-death']?.[0];
    const group = death?.queue.replace(/^taskflow\./, '') ?? 'unknown';
    const event = readEvent(message);
    const error = event ? `came back ${DELIVERY_LIMIT} times: whoever handled it died` : 'is not an event';
    try {
      if (event) await this.handlers.bury({ group }, event, DELIVERY_LIMIT, error);
      else {
        const payload = { content: message.content.toString('utf8').slice(0, 10_000) };
        const id = String(message.properties.messageId ?? randomUUID());
        const name = message.fields.routingKey;
        await this.deadLetters.add({ id, kind: 'event', group, name, owner: '', payload, error, attempts: 1 });
      }
      channel.ack(message);
    } catch (thrown) {
      this.logger.warn(`a dead letter waits: ${(thrown as Error).message}`);
      await delay(STOP_MS, undefined, { ref: false });
      // On a closed channel nothing can be given back; the broker has taken it back by itself.
      if (this.links.some((link) => link.has(channel))) channel.nack(message);
    }
  }
}
