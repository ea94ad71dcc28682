import { v5 as uuidv5 } from 'uuid';
import type { Deadline, Reminder } from '../../tasks/index.js';

/** A moment at which the owner of a task hears of its deadline. */
export interface PlannedReminder {
  /** The same for the same task, deadline and moment: planned twice, it is there once. */
  readonly id: string;
  readonly owner: string;
  readonly taskId: string;
  readonly kind: 'approaching' | 'overdue';
  /** 0 when it is overdue. */
  readonly minutesBefore: number;
  /** Of the task, when this was planned. */
  readonly dueAt: Date;
  readonly fireAt: Date;
}

/** What users have who have set nothing. */
export const DEFAULT_REMINDERS: readonly Reminder[] = [{ minutesBefore: 1440 }, { minutesBefore: 60 }];

const MINUTE_MS = 60_000;
/** Fixed for ever: another one would make another event of the same reminder. */
const NAMESPACE = '6a1c2c9e-7f0e-4a52-9d0b-3d6f4b1c8e57';

/**
 * All moments of a deadline, past ones too. They are instants: a day before is 24 hours before, whatever the clocks in
 * the owner's zone do meanwhile.
 */
export function remindersOf(deadline: Deadline, defaults: readonly Reminder[]): PlannedReminder[] {
  const approaching = (deadline.reminders ?? defaults).map(({ minutesBefore }) =>
    planned(deadline, 'approaching', minutesBefore),
  );
  return [...approaching, planned(deadline, 'overdue', 0)];
}

function planned(deadline: Deadline, kind: PlannedReminder['kind'], minutesBefore: number): PlannedReminder {
  const { owner, taskId, dueAt } = deadline;
  const id = `${taskId}:${kind}:${minutesBefore}:${dueAt.getTime()}`;
  return {
    id,
    owner,
    taskId,
    kind,
    minutesBefore,
    dueAt,
    fireAt: new Date(dueAt.getTime() - minutesBefore * MINUTE_MS),
  };
}

/**
 * Whether it still says something true.
 * @param deadline of the task now; undefined when it has none any more
 */
export function isStillDue(reminder: PlannedReminder, deadline: Deadline | undefined, now: Date): boolean {
  if (deadline?.dueAt.getTime() !== reminder.dueAt.getTime()) return false;
  if (reminder.kind === 'overdue') return true;
  // Nothing approaches that is over; only what was asked for at the very end has a minute for it.
  return now.getTime() < Math.max(reminder.dueAt.getTime(), reminder.fireAt.getTime() + MINUTE_MS);
}

/** Of the event that tells of it: however often it fires, it is the same event. */
export const eventIdOf = ({ id }: PlannedReminder): string => uuidv5(id, NAMESPACE);
