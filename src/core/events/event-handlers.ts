import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { storeFailure } from '../mongo/store-failure.js';
import { backoffMs } from '../time/backoff.js';
import { within } from '../time/within.js';
import { DeadLetters } from './dead-letters.js';
import { MAX_ATTEMPTS, type LoggedEvent, type Subscription } from './event-transport.js';

/** A handler that has not ended by then has failed; what it still does, it does besides its repetition. */
const HANDLE_MS = 30_000;

/** After a failure. */
export interface Pause {
  readonly ms: number;
  /** So far, without those of a store that was away. */
  readonly failures: number;
}

/** Who subscribes to what, and how an event is handled, whichever transport brings it. */
@Injectable()
export class EventHandlers implements OnModuleInit {
  private readonly logger = new Logger('Events');
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

  /**
   * Judges a failure of `handle`. Never throws.
   * @param failures before this one
   * @returns when to try again; undefined when the event lies with the dead letters, so that the next one can go on
   */
  async failed(
    subscription: Subscription,
    event: LoggedEvent,
    failures: number,
    error: Error,
  ): Promise<Pause | undefined> {
    const counted = failures + (storeFailure(error) === undefined ? 1 : 0);
    let { message } = error;
    if (counted >= MAX_ATTEMPTS) {
      try {
        await this.bury(subscription, event, counted, message);
        return undefined;
      } catch (thrown) {
        message += `; it cannot be given up: ${(thrown as Error).message}`;
      }
    }
    const ms = this.pauseAfter(counted);
    const waits = `waits ${Math.round(ms)} ms after failure ${counted}`;
    this.logger.warn(`${subscription.group}: ${event.name} ${event.id} ${waits}: ${message}`);
    return { ms, failures: counted };
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
