import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Equals, IsIn, IsInt, IsString, Max, Min } from 'class-validator';
import { DateTime, DistinctTexts, Optional, Text } from '../../core/http/fields.js';
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from '../../core/paging/page.js';
import { words } from '../../core/search/fold.js';
import { PRIORITIES, STATUSES, type Priority, type Status } from './task.js';
import type { TaskFilter } from './task-filter.js';
import { SORT_KEYS, type SortKey, type TaskOrder } from './task-order.js';

const SORTS = [...SORT_KEYS.flatMap((key) => [key, `-${key}`] as const), 'relevance'] as const;

/** `a,b`, `a` twice, or both together. */
const Listed = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => [
    ...new Set([value].flat().flatMap((item: unknown) => (typeof item === 'string' ? item.split(',') : [item]))),
  ]);

const Parsed = (parse: (text: string) => unknown): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? parse(value) : value));

const toNumber = (text: string): unknown => (/^\d{1,9}$/.test(text) ? Number(text) : text);
const toTrue = (text: string): unknown => (text === 'true' ? true : text);

export class ListTasks {
  /** Any of these; repeat it or separate by commas. */
  @ApiPropertyOptional({ enum: STATUSES, isArray: true })
  @Optional()
  @Listed()
  @IsIn(STATUSES, { each: true })
  status?: Status[];

  /** Any of these; repeat it or separate by commas. */
  @ApiPropertyOptional({ enum: PRIORITIES, isArray: true })
  @Optional()
  @Listed()
  @IsIn(PRIORITIES, { each: true })
  priority?: Priority[];

  /** Any of these; repeat it or separate by commas. */
  @Optional() @Listed() @DistinctTexts(20, 50) tag?: string[];

  /** Due at this instant or later. */
  @Optional() @DateTime() dueAfter?: string;
  /** Due before this instant. */
  @Optional() @DateTime() dueBefore?: string;

  /** `true`: open and due in the past. */
  @ApiPropertyOptional({ enum: ['true'] })
  @Optional()
  @Parsed(toTrue)
  @Equals(true)
  overdue?: true;

  /** Each word must begin a word of title, description or tags; case and accents do not matter. */
  @Optional() @Text(0, 200) q?: string;

  /** `true`: the trash instead of the live tasks. */
  @ApiPropertyOptional({ enum: ['true'] })
  @Optional()
  @Parsed(toTrue)
  @Equals(true)
  trashed?: true;

  /** `-` in front for descending; tasks without `dueAt` are last either way. `relevance` wants `q` and has one page. */
  @ApiPropertyOptional({ enum: SORTS, default: '-createdAt' })
  @Optional()
  @IsIn(SORTS)
  sort?: (typeof SORTS)[number];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT })
  @Optional()
  @Parsed(toNumber)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_LIMIT)
  limit?: number;

  /** `nextCursor` of the page before; everything else but `limit` must be as it was there. */
  @Optional() @IsString() cursor?: string;
}

export function orderOf(sort: Exclude<ListTasks['sort'], 'relevance'> = '-createdAt'): TaskOrder {
  const isDescending = sort.startsWith('-');
  return { key: sort.slice(isDescending ? 1 : 0) as SortKey, direction: isDescending ? -1 : 1 };
}

/** @param now what `overdue` compares with */
export const filterOf = (query: ListTasks, now: Date): TaskFilter => ({
  trashed: query.trashed ?? false,
  statuses: query.status,
  priorities: query.priority,
  tags: query.tag,
  dueAfter: query.dueAfter === undefined ? undefined : new Date(query.dueAfter),
  dueBefore: query.dueBefore === undefined ? undefined : new Date(query.dueBefore),
  overdueAt: query.overdue ? now : undefined,
  words: query.q === undefined ? undefined : [...new Set(words(query.q))],
});
