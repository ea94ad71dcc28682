export { TasksModule } from './tasks.module.js';
export { TasksService } from './tasks.service.js';
export { TaskCompleted, TaskCreated, TaskDeleted, TaskRemoved, TaskRestored, TaskUpdated } from './tasks.events.js';
