import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { LastSeen } from '../metrics/last-seen.js';
import { Metrics } from '../metrics/metrics.js';
import { Clock } from '../time/clock.js';
import { AT_ONCE, Background } from './background.js';
import { EventBacklog, type WaitingEvent } from './event-backlog.repository.js';
import { EventHandlers } from './event-handlers.js';
import type { Subscription } from './event-transport.js';

const POLL_MS = 1000;
const MEASURE_MS = 5000;
const OWNERS = 100;
const BATCH = 500;
/** Then the lease is looked at, before the next batches. */
const PASS_MS = 2000;

/** Brings what waits in the log to the groups: each in one process at a time, and in order per owner. */
@Injectable()
export class LogConsumer {
  /** Milliseconds, by group. */
  private readonly lags = new Map<string, LastSeen>();

  constructor(
    private readonly background: Background,
    private readonly backlog: EventBacklog,
    private readonly handlers: EventHandlers,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    const help = 'Age of the oldest event that waits in the log for a group';
    metrics.gauge('taskflow_events_lag_seconds', help, ['group'], (gauge) => {
      for (const [group, lag] of this.lags) gauge.set({ group }, lag.value / 1000);
    });
  }

  add(subscription: Subscription): void {
    const { group, module } = subscription;
    const chore = choreOf(group);
    this.background.every(module, chore, POLL_MS, () => this.pass(subscription), group);
    const lag = new LastSeen();
    this.lags.set(group, lag);
    const measure = async (): Promise<void> => {
      const oldest = await this.backlog.oldest(group);
      lag.value = oldest ? Math.max(0, this.clock.now().getTime() - oldest.getTime()) : 0;
    };
    this.background.every(module, `measure ${group}`, MEASURE_MS, measure, group);
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
    await pLimit(AT_ONCE).map(lines, async (line) => {
      if (!(await this.handleLine(subscription, line, done))) stuck.push(line[0]!.event.owner);
    });
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
        const pause = await this.handlers.failed(subscription, event, waiting.attempts, error as Error);
        if (pause) {
          await this.backlog.postpone(subscription.group, event.id, pause.ms, pause.failures > waiting.attempts);
          return false;
        }
      }
      done.push(event.id);
    }
    return true;
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
