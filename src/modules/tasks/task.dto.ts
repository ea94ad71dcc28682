import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { Transform } from 'class-transformer';
import { DateTime, DistinctTexts, Line, Optional, Text } from '../../core/http/fields.js';
import { Reminders } from './reminder.dto.js';
import {
  DEFAULT_CONTENT,
  PRIORITIES,
  STATUSES,
  type Priority,
  type Reminder,
  type Status,
  type TaskContent,
} from './task.js';

const TITLE_MAX = 200;
const DESCRIPTION_MAX = 10_000;
const TAGS_MAX = 20;
const TAG_MAX = 50;

/** A whole task: what is left out has its default. Also the body of `PUT`, which replaces everything. */
export class CreateTask {
  /** @example 'Write the quarterly report' */
  @Line(TITLE_MAX) title: string;
  /** @example 'Numbers are in the shared folder.' */
  @Optional() @Text(0, DESCRIPTION_MAX) description?: string;
  /** @example 'todo' */
  @Optional() @IsIn(STATUSES) status?: Status;
  /** @example 'high' */
  @Optional() @IsIn(PRIORITIES) priority?: Priority;
  /** @example '2026-03-01T09:00:00Z' */
  @IsOptional() @DateTime() dueAt?: string | null;
  /**
   * How long before `dueAt` you hear of it; `null` is what you have set for all tasks, `[]` is not before it is overdue.
   * @example [{ "minutesBefore": 60 }]
   */
  @IsOptional() @Reminders() reminders?: Reminder[] | null;
  /** @example ['work', 'writing'] */
  @Optional() @DistinctTexts(TAGS_MAX, TAG_MAX) tags?: string[];
}

/** A JSON merge patch (RFC 7396): what is absent stays, `null` brings the default back; a title has none. */
export class UpdateTask {
  /** @example 'Write the annual report' */
  @Optional() @Line(TITLE_MAX) title?: string;
  /** @example 'Numbers are in the shared folder.' */
  @IsOptional() @Text(0, DESCRIPTION_MAX) description?: string | null;
  /** @example 'in_progress' */
  @IsOptional() @IsIn(STATUSES) status?: Status | null;
  /** @example 'urgent' */
  @IsOptional() @IsIn(PRIORITIES) priority?: Priority | null;
  /** @example '2026-03-02T17:30:00+01:00' */
  @IsOptional() @DateTime() dueAt?: string | null;
  /** @example [{ "minutesBefore": 1440 }, { "minutesBefore": 60 }] */
  @IsOptional() @Reminders() reminders?: Reminder[] | null;
  /** @example ['work'] */
  @IsOptional() @DistinctTexts(TAGS_MAX, TAG_MAX) tags?: string[] | null;
}

export class DeleteTask {
  /** `true` removes for good instead of into the trash. */
  @Optional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  permanent?: boolean;
}

export function contentOf(input: CreateTask): TaskContent {
  return { ...DEFAULT_CONTENT, title: input.title, ...changeOf(input) };
}

/** What the patch sets; fields it does not name are absent. */
export function changeOf({ dueAt, ...rest }: UpdateTask): Partial<TaskContent> {
  const change: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(rest)) {
    if (value !== undefined) change[field] = value ?? DEFAULT_CONTENT[field as keyof typeof DEFAULT_CONTENT];
  }
  if (dueAt !== undefined) change.dueAt = dueAt === null ? null : new Date(dueAt);
  return change;
}
