import { ApiProperty } from '@nestjs/swagger';

/** How many tasks have each status. */
export class StatusCounts {
  todo: number;
  in_progress: number;
  done: number;
  cancelled: number;
}

/** How many tasks have each priority. */
export class PriorityCounts {
  low: number;
  medium: number;
  high: number;
  urgent: number;
}

/** The trash does not count. */
export class TaskStatsView {
  /** @example 12 */
  total: number;
  byStatus: StatusCounts;
  byPriority: PriorityCounts;
  /** Open and due in the past. */
  overdue: number;
  /** Open and due in the user's local day, the past part of it included. */
  dueToday: number;
  /** In the last 168 hours. */
  completedLast7Days: number;
  /** `done ÷ (total − cancelled)`; 0 when there are none. */
  @ApiProperty({ minimum: 0, maximum: 1, example: 0.25 }) completionRate: number;
}
