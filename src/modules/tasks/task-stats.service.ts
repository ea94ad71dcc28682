import { Injectable } from '@nestjs/common';
import { DateTime } from 'luxon';
import { Perishable } from '../../core/cache/perishable.js';
import { Clock } from '../../core/time/clock.js';
import { UsersService } from '../users/index.js';
import { PRIORITIES, STATUSES, type Priority, type Status } from './task.js';
import { TaskStatsRepository, type OwnTaskCount, type TaskCount } from './task-stats.repository.js';
import type { TaskStatsView } from './task-stats.view.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const RECENT_MS = 7 * DAY_MS;
const ADMIN_DAYS = 14;

/** The live tasks of everybody in numbers. */
export interface AllTasksStats {
  readonly total: number;
  readonly byStatus: Readonly<Record<Status, number>>;
  readonly byPriority: Readonly<Record<Priority, number>>;
  readonly overdue: number;
  /** Days of UTC, the oldest first, those without a task included; the last one is today. */
  readonly createdPerDay: readonly { readonly date: string; readonly count: number }[];
}

@Injectable()
export class TaskStatsService {
  constructor(
    private readonly stats: TaskStatsRepository,
    private readonly users: UsersService,
    private readonly clock: Clock,
  ) {}

  /** Right until the next instant at which a count changes by itself. */
  async own(owner: string): Promise<Perishable<TaskStatsView>> {
    const zone = await this.users.timeZoneOf(owner);
    const now = this.clock.now();
    const day = localDay(now, zone);
    const completedSince = new Date(now.getTime() - RECENT_MS);
    const counts = await this.stats.ownCounts(owner, { now, dayStart: day.start, dayEnd: day.end, completedSince });
    return new Perishable(summary(counts), nextChange(counts, day.end));
  }

  async ofAll(): Promise<AllTasksStats> {
    const now = this.clock.now();
    const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
    const days = Array.from({ length: ADMIN_DAYS }, (_, index) => new Date(today - (ADMIN_DAYS - 1 - index) * DAY_MS));
    const [counts, created] = await Promise.all([this.stats.allCounts(now), this.stats.createdPerDay(days[0]!)]);
    const dates = days.map((day) => day.toISOString().slice(0, 10));
    return { ...totals(counts), createdPerDay: dates.map((date) => ({ date, count: created.get(date) ?? 0 })) };
  }
}

/** From local midnight, or what follows it where clocks skip it, to the next: 23 to 25 hours. */
export function localDay(now: Date, zone: string): { start: Date; end: Date } {
  // Taken from the day before, because of a midnight that comes twice luxon would choose the one nearer to `now`.
  const start = midnightAfter(DateTime.fromJSDate(now, { zone }).minus({ days: 1 }).startOf('day'));
  return { start: start.toJSDate(), end: midnightAfter(start).toJSDate() };
}

const midnightAfter = (day: DateTime): DateTime => day.plus({ days: 1 }).startOf('day');

/** When the clock alone makes one of the counts wrong. */
export function nextChange(counts: readonly OwnTaskCount[], dayEnd: Date): Date {
  const due = counts.map(({ nextDue }) => nextDue.getTime());
  const leaving = counts.map(({ firstCompleted }) => firstCompleted.getTime() + RECENT_MS);
  return new Date(Math.min(dayEnd.getTime(), ...due, ...leaving));
}

function summary(counts: readonly OwnTaskCount[]): TaskStatsView {
  const { total, byStatus, byPriority, overdue } = totals(counts);
  const wanted = total - byStatus.cancelled;
  return {
    total,
    byStatus,
    byPriority,
    overdue,
    dueToday: sum(counts.map(({ dueToday }) => dueToday)),
    completedLast7Days: sum(counts.map(({ completedRecently }) => completedRecently)),
    completionRate: wanted === 0 ? 0 : byStatus.done / wanted,
  };
}

function totals(counts: readonly TaskCount[]): Omit<AllTasksStats, 'createdPerDay'> {
  const totalOf = (matches: (count: TaskCount) => boolean): number =>
    sum(counts.filter(matches).map(({ total }) => total));
  const byStatus = STATUSES.map((status) => [status, totalOf((count) => count.status === status)]);
  const byPriority = PRIORITIES.map((priority) => [priority, totalOf((count) => count.priority === priority)]);
  return {
    total: totalOf(() => true),
    byStatus: Object.fromEntries(byStatus) as Record<Status, number>,
    byPriority: Object.fromEntries(byPriority) as Record<Priority, number>,
    overdue: sum(counts.map(({ overdue }) => overdue)),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
