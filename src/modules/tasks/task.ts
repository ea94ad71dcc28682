import type { DomainEvent } from '../../core/events/domain-event.js';
import { TaskCompleted, TaskCreated, TaskDeleted, TaskRemoved, TaskRestored, TaskUpdated } from './tasks.events.js';

export const STATUSES = ['todo', 'in_progress', 'done', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

/** A task that still wants something: only these are ever overdue or due today. */
export const OPEN_STATUSES: readonly Status[] = ['todo', 'in_progress'];

/** In ascending order. */
export const PRIORITIES = ['low', 'medium', 'high', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Where a task is: `gone` is invisible and waits for the relay to publish its last event and remove it. */
export type Place = 'live' | 'trash' | 'gone';

/** Milliseconds that a deleted task can still be restored. */
export const TRASH_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** A moment before the due date at which the owner hears of it. */
export interface Reminder {
  /** Minutes of elapsed time, so 1440 are 24 hours also over a change of the clocks. */
  readonly minutesBefore: number;
}

/** What its owner writes. */
export interface TaskContent {
  readonly title: string;
  readonly description: string;
  readonly status: Status;
  readonly priority: Priority;
  readonly dueAt: Date | null;
  /** Null: what its owner has set for all tasks. None: the owner hears only when it is overdue. */
  readonly reminders: readonly Reminder[] | null;
  readonly tags: readonly string[];
}

export interface Task extends TaskContent {
  readonly id: string;
  readonly owner: string;
  readonly place: Place;
  /** Not null exactly while the status is `done`: when it became so. */
  readonly completedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
  /** Counts the writes, from 1. */
  readonly version: number;
}

/** The task as it shall be, and what thereby happened to it. */
export interface Decision {
  readonly task: Task;
  readonly events: readonly DomainEvent[];
}

export const DEFAULT_CONTENT: Omit<TaskContent, 'title'> = {
  description: '',
  status: 'todo',
  priority: 'medium',
  dueAt: null,
  reminders: null,
  tags: [],
};

const CONTENT_FIELDS = ['title', 'description', 'status', 'priority', 'dueAt', 'reminders', 'tags'] as const;

export function createTask(id: string, owner: string, content: TaskContent, now: Date): Decision {
  const completedAt = content.status === 'done' ? now : null;
  const birth = { place: 'live', completedAt, createdAt: now, updatedAt: now, deletedAt: null, version: 1 } as const;
  const task: Task = { id, owner, ...content, ...birth };
  const created = new TaskCreated(now, id, owner);
  return { task, events: completedAt ? [created, new TaskCompleted(now, id, owner)] : [created] };
}

/** Sets what `change` names. Undefined when that changes nothing, so that nothing is written. */
export function changeTask(task: Task, change: Partial<TaskContent>, now: Date): Decision | undefined {
  const fields = CONTENT_FIELDS.filter((field) => change[field] !== undefined && !isSame(task[field], change[field]));
  if (fields.length === 0) return undefined;
  const changes = Object.fromEntries(fields.map((field) => [field, change[field]])) as Partial<TaskContent>;
  const changed = { ...task, ...changes };
  const completedAt = changed.status === 'done' ? (task.completedAt ?? now) : null;
  const updated = new TaskUpdated(now, task.id, task.owner, fields);
  const isCompletion = completedAt !== null && task.completedAt === null;
  return {
    task: { ...changed, completedAt, ...nextVersion(task, now) },
    events: isCompletion ? [updated, new TaskCompleted(now, task.id, task.owner)] : [updated],
  };
}

export function trashTask(task: Task, now: Date): Decision {
  return {
    task: { ...task, place: 'trash', deletedAt: now, ...nextVersion(task, now) },
    events: [new TaskDeleted(now, task.id, task.owner)],
  };
}

export function restoreTask(task: Task, now: Date): Decision {
  return {
    task: { ...task, place: 'live', deletedAt: null, ...nextVersion(task, now) },
    events: [new TaskRestored(now, task.id, task.owner)],
  };
}

/** For good. What the owner wrote goes at once; the empty shell stays until its event is published. */
export function removeTask(task: Task, now: Date): Decision {
  const nothing = { ...DEFAULT_CONTENT, title: '', completedAt: null };
  return {
    task: { ...task, ...nothing, place: 'gone', ...nextVersion(task, now) },
    events: [new TaskRemoved(now, task.id, task.owner)],
  };
}

const nextVersion = (task: Task, now: Date): Pick<Task, 'updatedAt' | 'version'> => ({
  updatedAt: now,
  version: task.version + 1,
});

function isSame(before: unknown, after: unknown): boolean {
  if (before instanceof Date && after instanceof Date) return before.getTime() === after.getTime();
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.length === after.length && before.every((item, index) => isSameItem(item, after[index]));
  }
  return before === after;
}

function isSameItem(before: unknown, after: unknown): boolean {
  if (typeof before !== 'object' || typeof after !== 'object') return before === after;
  return (before as Reminder).minutesBefore === (after as Reminder).minutesBefore;
}
