import type { Channel, ConsumeMessage } from 'amqplib';
import pLimit from 'p-limit';
import { setTimeout as delay } from 'node:timers/promises';
import { AT_ONCE } from '../background.js';
import type { EventHandlers, Pause } from '../event-handlers.js';
import type { LoggedEvent, Subscription } from '../event-transport.js';
import { readEvent } from './rabbit-message.js';

/** Unacknowledged messages of a group. Those behind a failing event count: hence more than are handled at once. */
export const PREFETCH = 500;

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
    for (let failures = 0; this.isOpen;) {
      const pause = await this.limit(() => this.attempt(event, failures));
      if (!pause) {
        if (this.isOpen) this.channel.ack(message);
        return;
      }
      failures = pause.failures;
      await delay(pause.ms, undefined, { ref: false });
    }
  }

  /** @returns when it is to be tried again */
  private async attempt(event: LoggedEvent, failures: number): Promise<Pause | undefined> {
    if (!this.isOpen) return undefined;
    try {
      await this.handlers.handle(this.subscription, event);
      return undefined;
    } catch (error) {
      return this.handlers.failed(this.subscription, event, failures, error as Error);
    }
  }
}
