import type { Logger } from '@nestjs/common';
import type { Channel, ConsumeMessage } from 'amqplib';
import pLimit from 'p-limit';
import { setTimeout as delay } from 'node:timers/promises';
import { storeFailure } from '../../mongo/store-failure.js';
import type { EventHandlers } from '../event-handlers.js';
import { MAX_ATTEMPTS, type LoggedEvent, type Subscription } from '../event-transport.js';
import { readEvent } from './rabbit-message.js';

/** Unacknowledged messages of a group. Those behind a failing event count: hence more than are handled at once. */
export const PREFETCH = 500;
const AT_ONCE = 16;

/**
 * What a group gets over one channel. Messages of an owner are handled one after the other, those of different owners
 * side by side. One that fails is held and tried again here, because a broker would bring it back at once, and behind
 * later ones; they are acknowledged when they are handled, or lie with the dead letters.
 */
export class RabbitConsumer {
  private readonly lines = new Map<string, Promise<void>>();
  private readonly limit = pLimit(AT_ONCE);
  private isOpen = true;

  constructor(
    private readonly subscription: Subscription,
    private readonly channel: Channel,
    private readonly handlers: EventHandlers,
    private readonly logger: Logger,
  ) {
    channel.once('close', () => (this.isOpen = false));
  }

  /** From now on nothing is begun, and nothing is tried again: the broker gives it to somebody else. */
  stop(): void {
    this.isOpen = false;
  }

  /** Resolves when what had begun has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.lines.values());
  }

  receive(message: ConsumeMessage): void {
    const event = readEvent(message);
    // Refused, it goes to the dead letters: it is not one of ours.
    if (!event) return this.channel.nack(message, false, false);
    const line: Promise<void> = (this.lines.get(event.owner) ?? Promise.resolve())
      .then(() => this.settle(message, event))
      .finally(() => this.lines.get(event.owner) === line && this.lines.delete(event.owner));
    this.lines.set(event.owner, line);
  }

  /** Never throws. */
  private async settle(message: ConsumeMessage, event: LoggedEvent): Promise<void> {
    for (let attempts = 0; this.isOpen;) {
      try {
        await this.limit(() => this.attempt(event, attempts));
        if (this.isOpen) this.channel.ack(message);
        return;
      } catch (thrown) {
        const error = thrown as Error;
        if (storeFailure(error) === undefined) attempts++;
        const pauseMs = this.handlers.pauseAfter(attempts);
        const { group } = this.subscription;
        this.logger.warn(
          `${group}: ${event.name} ${event.id} waits ${Math.round(pauseMs)} ms after failure ${attempts}: ${error.message}`,
        );
        await delay(pauseMs, undefined, { ref: false });
      }
    }
  }

  private async attempt(event: LoggedEvent, attempts: number): Promise<void> {
    if (!this.isOpen) return;
    await this.handlers.handle(this.subscription, event).catch(async (error: Error) => {
      if (storeFailure(error) !== undefined || attempts + 1 < MAX_ATTEMPTS) throw error;
      await this.handlers.bury(this.subscription, event, attempts + 1, error.message);
    });
  }
}
