import { Injectable, type OnModuleInit } from '@nestjs/common';
import { backoffMs } from '../time/backoff.js';
import { within } from '../time/within.js';
import { DeadLetters } from './dead-letters.js';
import type { LoggedEvent, Subscription } from './event-transport.js';

/** A handler that has not ended by then has failed; what it still does, it does besides its repetition. */
const HANDLE_MS = 30_000;

/** Who subscribes to what, and how an event is handled, whichever transport brings it. */
@Injectable()
export class EventHandlers implements OnModuleInit {
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(private readonly deadLetters: DeadLetters) {}

  onModuleInit(): void {
    this.deadLetters.onRetry('event', async ({ group, payload }) => {
      const subscription = this.subscriptions.get(group);
      if (!subscription) throw new Error(`there is no group "${group}" any more`);
      await this.handle(subscription, payload as unknown as LoggedEvent);
    });
  }

  add(subscription: Subscription): void {
    const { group } = subscription;
    if (!/^[a-z-]+$/.test(group)) throw new Error(`"${group}" cannot name a group`);
    if (this.subscriptions.has(group)) throw new Error(`the group "${group}" has subscribed already`);
    this.subscriptions.set(group, subscription);
  }

  groupsFor(name: string): string[] {
    return [...this.subscriptions.values()].filter(({ names }) => names.includes(name)).map(({ group }) => group);
  }

  /** An event that waited for a group of an earlier release, which this one takes no interest in, is handled by that. */
  async handle(subscription: Subscription, event: LoggedEvent): Promise<void> {
    if (!subscription.names.includes(event.name)) return;
    await within(HANDLE_MS, () => subscription.handle(event));
  }

  /** Milliseconds until the next try. */
  pauseAfter(failures: number): number {
    return backoffMs(failures, { firstMs: 1000, longestMs: 60_000, jitter: 0.3 });
  }

  /** Gives it up. */
  async bury(
    { group }: Pick<Subscription, 'group'>,
    event: LoggedEvent,
    attempts: number,
    error: string,
  ): Promise<void> {
    const { id, owner, seq, name, at, facts } = event;
    const payload = { id, owner, seq, name, at, facts };
    await this.deadLetters.add({ id, kind: 'event', group, name, owner, payload, error, attempts });
  }
}
