import { Injectable, Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { storeFailure } from '../mongo/store-failure.js';
import { Clock } from '../time/clock.js';
import { Background } from './background.js';
import { EventBacklog, type WaitingEvent } from './event-backlog.repository.js';
import { EventHandlers } from './event-handlers.js';
import { MAX_ATTEMPTS, type Subscription } from './event-transport.js';

const POLL_MS = 1000;
const OWNERS = 100;
const BATCH = 500;
/** Events of different owners are handled at the same time, so many of them. */
const AT_ONCE = 16;
/** Then the lease is looked at, before the next batches. */
const PASS_MS = 2000;

/** Brings what waits in the log to the groups: each in one process at a time, and in order per owner. */
@Injectable()
export class LogConsumer {
  private readonly logger = new Logger('Events');
  private readonly limit = pLimit(AT_ONCE);

  constructor(
    private readonly background: Background,
    private readonly backlog: EventBacklog,
    private readonly handlers: EventHandlers,
    private readonly clock: Clock,
  ) {}

  add(subscription: Subscription): void {
    const { group, module } = subscription;
    const chore = choreOf(group);
    this.background.every(module, chore, POLL_MS, () => this.pass(subscription), group);
  }

  /** There is something for the group. */
  nudge(group: string): void {
    this.background.nudge(choreOf(group));
  }

  /** One owner after another whose events wait for a failed one is left out, so that they stand in nobody's way. */
  private async pass(subscription: Subscription): Promise<void> {
    const { group } = subscription;
    const stuck: string[] = [];
    const endMs = performance.now() + PASS_MS;
    while (performance.now() < endMs) {
      const owners = await this.backlog.owners(group, stuck, OWNERS);
      if (owners.length === 0) return;
      const lines = linesOf(await this.backlog.waiting(group, owners, BATCH));
      stuck.push(...(await this.handleLines(subscription, lines)));
    }
    this.nudge(group);
  }

  /** @returns the owners whose events have to wait */
  private async handleLines(subscription: Subscription, lines: readonly WaitingEvent[][]): Promise<string[]> {
    const done: string[] = [];
    const stuck: string[] = [];
    await Promise.all(
      lines.map((line) =>
        this.limit(async () => {
          if (!(await this.handleLine(subscription, line, done))) stuck.push(line[0]!.event.owner);
        }),
      ),
    );
    await this.backlog.handled(subscription.group, done);
    return stuck;
  }

  /** @returns false when one of them failed and the rest waits for it */
  private async handleLine(
    subscription: Subscription,
    line: readonly WaitingEvent[],
    done: string[],
  ): Promise<boolean> {
    for (const waiting of line) {
      const { event, lookAt } = waiting;
      if (lookAt.getTime() > this.clock.now().getTime()) return false;
      try {
        await this.handlers.handle(subscription, event);
      } catch (error) {
        if (!(await this.failed(subscription, waiting, error as Error))) return false;
      }
      done.push(event.id);
    }
    return true;
  }

  /** @returns whether it was given up, so that the next one can go on */
  private async failed(subscription: Subscription, waiting: WaitingEvent, error: Error): Promise<boolean> {
    const { group } = subscription;
    const { event } = waiting;
    const counts = storeFailure(error) === undefined;
    const attempts = waiting.attempts + (counts ? 1 : 0);
    if (attempts >= MAX_ATTEMPTS) {
      await this.handlers.bury(subscription, event, attempts, error.message);
      return true;
    }
    const pauseMs = this.handlers.pauseAfter(attempts);
    this.logger.warn(
      `${group}: ${event.name} ${event.id} waits ${Math.round(pauseMs)} ms after failure ${attempts}: ${error.message}`,
    );
    await this.backlog.postpone(group, event.id, pauseMs, counts);
    return false;
  }
}

/** Those of one owner each, in order. */
function linesOf(waiting: readonly WaitingEvent[]): WaitingEvent[][] {
  const lines = new Map<string, WaitingEvent[]>();
  for (const one of waiting) {
    const line = lines.get(one.event.owner);
    if (line) line.push(one);
    else lines.set(one.event.owner, [one]);
  }
  return [...lines.values()];
}

const choreOf = (group: string): string => `events for ${group}`;
