import { defineError } from '../../core/errors/domain-error.js';

/** Also for a task of somebody else, so that nobody learns which ids exist. */
export const TaskNotFound = defineError('task.not_found', 'not-found', 'There is no such task.');
export const TaskStale = defineError(
  'task.stale',
  'stale',
  'The task has changed since the version that If-Match names.',
);
