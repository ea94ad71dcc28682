import { ApiProperty } from '@nestjs/swagger';
import { isoTime } from '../../core/time/iso-time.js';
import { REMINDERS_SCHEMA } from './reminder.dto.js';
import { PRIORITIES, STATUSES, type Priority, type Reminder, type Status, type Task } from './task.js';

const INSTANT = { type: String, format: 'date-time' };

export class TaskView {
  /** @example '67f1d3b2a4c5e6f708192a3b' */
  id: string;
  /** @example 'Write the quarterly report' */
  title: string;
  /** @example 'Numbers are in the shared folder.' */
  description: string;
  @ApiProperty({ enum: STATUSES, example: 'todo' }) status: Status;
  @ApiProperty({ enum: PRIORITIES, example: 'high' }) priority: Priority;
  @ApiProperty({ ...INSTANT, nullable: true, example: '2026-03-01T09:00:00.000Z' }) dueAt: string | null;
  /** How long before `dueAt` the owner hears of it; null is what they have set for all tasks. */
  @ApiProperty({ ...REMINDERS_SCHEMA, nullable: true, example: [{ minutesBefore: 60 }] })
  reminders: readonly Reminder[] | null;
  @ApiProperty({ type: [String], example: ['work', 'writing'] }) tags: readonly string[];
  /** When it became `done`; null while it is not. */
  @ApiProperty({ ...INSTANT, nullable: true }) completedAt: string | null;
  @ApiProperty(INSTANT) createdAt: string;
  @ApiProperty(INSTANT) updatedAt: string;
  /** When it went into the trash. */
  @ApiProperty({ ...INSTANT, nullable: true }) deletedAt: string | null;
  /** Counts the writes; also the `ETag`. */
  version: number;
}

/** A page of tasks; `nextCursor` is null on the last one. */
export class TaskPageView {
  @ApiProperty({ type: [TaskView] }) items: readonly TaskView[];
  @ApiProperty({ type: String, nullable: true }) nextCursor: string | null;
}

/** Instants as text: left to `JSON.stringify`, they cost more than the rest of the page. */
export const taskView = (task: Task): TaskView => ({
  id: task.id,
  title: task.title,
  description: task.description,
  status: task.status,
  priority: task.priority,
  dueAt: task.dueAt && isoTime(task.dueAt),
  reminders: task.reminders,
  tags: task.tags,
  completedAt: task.completedAt && isoTime(task.completedAt),
  createdAt: isoTime(task.createdAt),
  updatedAt: isoTime(task.updatedAt),
  deletedAt: task.deletedAt && isoTime(task.deletedAt),
  version: task.version,
});
