import { Injectable, type OnModuleInit } from '@nestjs/common';
import pLimit from 'p-limit';
import { AppConfig } from '../../../config/config.js';
import { AT_ONCE, Background, EVERY_PROCESS } from '../../../core/events/background.js';
import { toPending, type PendingEvent } from '../../../core/events/domain-event.js';
import { OutboxRelay } from '../../../core/events/outbox.relay.js';
import { Metrics } from '../../../core/metrics/metrics.js';
import { Clock } from '../../../core/time/clock.js';
import { TaskDeadlines, type Deadline } from '../../tasks/index.js';
import { eventIdOf, isStillDue, type PlannedReminder } from './reminder.js';
import { TaskDeadlineApproaching, TaskOverdue } from './reminders.events.js';
import { RemindersRepository } from './reminders.repository.js';

const CHORE = 'fire reminders';
const EVERY_MS = 500;
/** Small: so many wait for the end of a claim when a worker is killed. */
const BATCH = 100;
/** Far longer than a batch takes. */
const CLAIM_MS = 10_000;
const LATENESS_BUCKETS = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600];

/**
 * Turns reminders that are due into events. Any number of workers do it side by side; a reminder becomes an event by a
 * single write, so it fires once whoever is killed, and late rather than never.
 */
@Injectable()
export class ReminderTrigger implements OnModuleInit {
  private readonly lateness;

  constructor(
    private readonly background: Background,
    private readonly reminders: RemindersRepository,
    private readonly deadlines: TaskDeadlines,
    private readonly relay: OutboxRelay,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    metrics: Metrics,
  ) {
    const help = 'From the moment a reminder was for until it fired';
    this.lateness = metrics.durations('taskflow_reminder_lateness_seconds', help, [], LATENESS_BUCKETS).series();
  }

  onModuleInit(): void {
    if (!this.config.modules.includes('notifications')) return;
    this.background.every(EVERY_PROCESS, CHORE, EVERY_MS, () => this.fire());
  }

  /** One batch; when it was full the next one follows at once. */
  async fire(): Promise<void> {
    const now = this.clock.now();
    const claim = await this.reminders.claim(now, new Date(now.getTime() + CLAIM_MS), BATCH);
    if (claim.isFull) this.background.nudge(CHORE);
    if (claim.reminders.length === 0) return;
    const deadlines = await this.deadlinesOf(claim.reminders);
    const due = claim.reminders.filter((reminder) => isStillDue(reminder, deadlines.get(reminder.taskId), now));
    const events = new Map(due.map((reminder) => [reminder.id, eventOf(reminder, now)]));
    await this.reminders.settle(claim, ({ id }) => events.get(id));
    this.relay.nudge();
    for (const { fireAt } of due) this.lateness.observe((now.getTime() - fireAt.getTime()) / 1000);
  }

  /** As they are now, by the ids of their tasks. */
  private async deadlinesOf(reminders: readonly PlannedReminder[]): Promise<ReadonlyMap<string, Deadline>> {
    const taskIds = new Map<string, string[]>();
    for (const { owner, taskId } of reminders) taskIds.set(owner, [...(taskIds.get(owner) ?? []), taskId]);
    const found = await pLimit(AT_ONCE).map(taskIds, ([owner, ids]) => this.deadlines.among(owner, ids));
    return new Map(found.flat().map((deadline) => [deadline.taskId, deadline]));
  }
}

function eventOf(reminder: PlannedReminder, now: Date): PendingEvent {
  const { owner, taskId, kind, minutesBefore } = reminder;
  const dueDate = reminder.dueAt.toISOString();
  const event =
    kind === 'overdue'
      ? new TaskOverdue(now, owner, taskId, dueDate)
      : new TaskDeadlineApproaching(now, owner, taskId, dueDate, minutesBefore);
  return { ...toPending(event), id: eventIdOf(reminder) };
}
