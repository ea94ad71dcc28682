import { PRIORITIES, type Task } from './task.js';
import { UNDATED, type TaskDocument } from './task.schema.js';

/** The fields a `Task` is made of; what only serves searching and publishing stays in the database. */
export const TASK_FIELDS = {
  owner: 1,
  place: 1,
  title: 1,
  description: 1,
  status: 1,
  priority: 1,
  dated: 1,
  dueAt: 1,
  reminders: 1,
  tags: 1,
  completedAt: 1,
  createdAt: 1,
  updatedAt: 1,
  deletedAt: 1,
  version: 1,
} as const;

export type TaskRow = Pick<TaskDocument, '_id' | keyof typeof TASK_FIELDS>;

export const toTask = (row: TaskRow): Task => ({
  id: row._id.toHexString(),
  owner: row.owner.toHexString(),
  place: row.place,
  title: row.title,
  description: row.description,
  status: row.status,
  priority: PRIORITIES[row.priority]!,
  dueAt: row.dated ? row.dueAt : null,
  reminders: row.reminders ?? null,
  tags: row.tags,
  completedAt: row.completedAt,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  deletedAt: row.deletedAt,
  version: row.version,
});

/** What a write replaces, apart from what is derived for searching. */
export const storedFields = (task: Task): Omit<TaskRow, '_id' | 'owner' | 'createdAt'> => ({
  place: task.place,
  title: task.title,
  description: task.description,
  status: task.status,
  priority: PRIORITIES.indexOf(task.priority),
  dated: task.dueAt !== null,
  dueAt: task.dueAt ?? UNDATED,
  reminders: task.reminders && [...task.reminders],
  tags: [...task.tags],
  completedAt: task.completedAt,
  updatedAt: task.updatedAt,
  deletedAt: task.deletedAt,
  version: task.version,
});
