import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventTransport, type LoggedEvent } from '../../../core/events/event-transport.js';
import { TaskDeadlines } from '../../tasks/index.js';
import { ReminderDefaults } from './reminder-defaults.js';
import { remindersOf, type PlannedReminder } from './reminder.js';
import { RemindersRepository } from './reminders.repository.js';

/** Every write of a task is one of these; `task.completed` only comes beside them. */
const TASK_EVENTS = ['task.created', 'task.updated', 'task.deleted', 'task.restored', 'task.removed'];
const DEFAULTS_CHANGED = 'notifications.reminders_changed';
/** What of a task moves its reminders. */
const FIELDS: ReadonlySet<unknown> = new Set(['status', 'dueAt', 'reminders']);
const MAX_ATTEMPTS = 5;
const BATCH = 200;

/**
 * Keeps the schedule in step with tasks and preferences. An event only says where to look: what is planned is made of
 * what the task is now, so events may come twice and in any order.
 */
@Injectable()
export class ReminderPlanner implements OnModuleInit {
  constructor(
    private readonly transport: EventTransport,
    private readonly deadlines: TaskDeadlines,
    private readonly defaults: ReminderDefaults,
    private readonly reminders: RemindersRepository,
  ) {}

  onModuleInit(): void {
    this.transport.subscribe({
      group: 'reminders',
      module: 'notifications',
      names: [...TASK_EVENTS, DEFAULTS_CHANGED],
      handle: (event) => this.handle(event),
    });
  }

  async handle({ name, owner, at, facts }: LoggedEvent): Promise<void> {
    if (name === DEFAULTS_CHANGED) return this.planAll(owner, at);
    const { taskId, fields } = facts as { taskId: string; fields?: readonly unknown[] };
    if (fields && !fields.some((field) => FIELDS.has(field))) return;
    await this.plan(owner, [taskId], at);
  }

  private async planAll(owner: string, since: Date): Promise<void> {
    let batch = await this.deadlines.byDefault(owner, since, BATCH);
    while (batch.length > 0) {
      await this.plan(
        owner,
        batch.map(({ taskId }) => taskId),
        since,
      );
      batch = batch.length < BATCH ? [] : await this.deadlines.byDefault(owner, since, BATCH, batch.at(-1));
    }
  }

  /**
   * @param since when this was decided: a moment that had passed by then says nothing new, one that passed while the
   *   event was on its way does
   */
  private async plan(owner: string, taskIds: readonly string[], since: Date): Promise<void> {
    let wanted = await this.wanted(owner, taskIds);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const ids = new Set(wanted.map(({ id }) => id));
      const known = new Set(await this.reminders.idsOf(owner, taskIds));
      const obsolete = [...known].filter((id) => !ids.has(id));
      const missing = wanted.filter(({ id, fireAt }) => fireAt >= since && !known.has(id));
      if (obsolete.length + missing.length === 0) return;
      await this.reminders.remove(owner, obsolete);
      await this.reminders.add(missing);
      // Another worker may have planned by a newer state of the task meanwhile, and must not have been undone.
      wanted = await this.wanted(owner, taskIds);
    }
    throw new Error('the tasks change all the time');
  }

  private async wanted(owner: string, taskIds: readonly string[]): Promise<PlannedReminder[]> {
    const deadlines = await this.deadlines.among(owner, taskIds);
    const isDefaulted = deadlines.some(({ reminders }) => reminders === null);
    const defaults = isDefaulted ? await this.defaults.of(owner) : [];
    return deadlines.flatMap((deadline) => remindersOf(deadline, defaults));
  }
}
