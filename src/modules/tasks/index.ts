export { TasksModule, TasksRoutes } from './tasks.module.js';
export { TasksService, type ImportedTask } from './tasks.service.js';
export { TaskDeadlines, type Deadline } from './task-deadlines.repository.js';
export { Reminders, REMINDERS_SCHEMA } from './reminder.dto.js';
export type { Reminder } from './task.js';
export { TaskStatsService } from './task-stats.service.js';
export { PriorityCounts, StatusCounts } from './task-stats.view.js';
