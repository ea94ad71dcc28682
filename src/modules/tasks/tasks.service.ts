import { Injectable } from '@nestjs/common';
import { CacheStore } from '../../core/cache/cache.store.js';
import type { Precondition } from '../../core/http/conditional.js';
import { Clock } from '../../core/time/clock.js';
import { createTask, type Task } from './task.js';
import { contentOf, type CreateTask, type DeleteTask, type UpdateTask } from './task.dto.js';
import { TaskWriter, type Creation } from './task-writer.js';
import { TaskNotFound } from './tasks.errors.js';
import { TasksRepository } from './tasks.repository.js';

const IMPORT_BATCH = 500;

/** What `importTasks` takes: a task as a client would create it, with a past. */
export interface ImportedTask extends CreateTask {
  /** Now when absent; `updatedAt` follows it, or `completedAt`. */
  readonly createdAt?: Date;
  /** Of a task that is done; `createdAt` when absent. */
  readonly completedAt?: Date;
}

/** Tasks of one owner, one at a time: after every write the owner's cached answers are forgotten. */
@Injectable()
export class TasksService {
  constructor(
    private readonly tasks: TasksRepository,
    private readonly writer: TaskWriter,
    private readonly cache: CacheStore,
    private readonly clock: Clock,
  ) {}

  /** @throws TaskNotFound */
  async get(owner: string, id: string): Promise<Task> {
    const task = await this.tasks.find(owner, id);
    if (!task) throw new TaskNotFound();
    return task;
  }

  /** @param key from `Idempotency-Key`: the same key and input answer the same task again. @throws IdempotencyKeyReused */
  create(owner: string, input: CreateTask, key?: string): Promise<Creation> {
    return this.forgetting(owner, this.writer.create(owner, input, key));
  }

  /** @throws TaskNotFound, TaskStale, WriteContended */
  update(owner: string, id: string, change: UpdateTask, precondition?: Precondition): Promise<Task> {
    return this.forgetting(owner, this.writer.update(owner, id, change, precondition));
  }

  /** @throws TaskNotFound, TaskStale, WriteContended */
  replace(owner: string, id: string, input: CreateTask, precondition?: Precondition): Promise<Task> {
    return this.forgetting(owner, this.writer.replace(owner, id, input, precondition));
  }

  /** Into the trash, or for good. @throws TaskNotFound, TaskStale, WriteContended */
  async delete(owner: string, id: string, { permanent }: DeleteTask, precondition?: Precondition): Promise<void> {
    const write = permanent ? this.writer.remove(owner, id, precondition) : this.writer.trash(owner, id, precondition);
    await this.forgetting(owner, write);
  }

  /** Out of the trash. @throws TaskNotFound, TaskStale, WriteContended */
  restore(owner: string, id: string, precondition?: Precondition): Promise<Task> {
    return this.forgetting(owner, this.writer.restore(owner, id, precondition));
  }

  /** Removes all tasks of an owner whose account is gone; may be repeated. */
  async purge(owner: string): Promise<void> {
    await this.forgetting(owner, this.tasks.purge(owner));
  }

  /** Stores tasks with a past, for demonstrations: no event tells of them. @returns their number */
  async importTasks(owner: string, inputs: readonly ImportedTask[]): Promise<number> {
    const now = this.clock.now();
    const tasks = inputs.map((input) => importTask(this.tasks.newId(), owner, input, now));
    for (let start = 0; start < tasks.length; start += IMPORT_BATCH) {
      await this.forgetting(owner, this.tasks.insertMany(tasks.slice(start, start + IMPORT_BATCH)));
    }
    return tasks.length;
  }

  /** Also after a failure: a write that ran into a time limit may have happened. */
  private async forgetting<T>(owner: string, write: Promise<T>): Promise<T> {
    try {
      return await write;
    } finally {
      await this.cache.forget(owner);
    }
  }
}

function importTask(id: string, owner: string, input: ImportedTask, now: Date): Task {
  const { createdAt = now, completedAt = createdAt, ...content } = input;
  const { task } = createTask(id, owner, contentOf(content), createdAt);
  return task.completedAt ? { ...task, completedAt, updatedAt: completedAt } : task;
}
