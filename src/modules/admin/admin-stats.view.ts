import { ApiProperty } from '@nestjs/swagger';
import { PriorityCounts, StatusCounts } from '../tasks/index.js';

/** Deleted accounts do not count. */
export class UserCountsView {
  total: number;
  active: number;
  suspended: number;
  /** Registered in the last 168 hours. */
  newLast7Days: number;
}

export class DayCountView {
  /**
   * A day of UTC.
   * @example '2026-03-01'
   */
  date: string;
  count: number;
}

/** The live tasks of everybody. */
export class AllTasksView {
  total: number;
  byStatus: StatusCounts;
  byPriority: PriorityCounts;
  /** Open and due in the past. */
  overdue: number;
  /** The last 14 days, the oldest first; the last one is today. */
  @ApiProperty({ type: [DayCountView], minItems: 14, maxItems: 14 }) createdPerDay: readonly DayCountView[];
}

export class AdminStatsView {
  users: UserCountsView;
  tasks: AllTasksView;
  /** When these numbers were counted. */
  generatedAt: Date;
}
