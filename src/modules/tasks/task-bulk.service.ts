import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { CacheStore } from '../../core/cache/cache.store.js';
import { RequestTimedOut } from '../../core/errors/core.errors.js';
import type { Precondition } from '../../core/http/conditional.js';
import { LONGEST_REQUEST_MS } from '../../core/http/limits.js';
import { readOperation, type Operation } from './task-bulk.dto.js';
import type { Task } from './task.js';
import { isTaskId } from './task-id.pipe.js';
import { TaskWriter } from './task-writer.js';
import { TaskNotFound } from './tasks.errors.js';

/** Operations of one request that run at once: fewer than the pool has connections, others want some too. */
const CONCURRENCY = 4;

/** What became of one operation. */
export type Outcome =
  | { readonly done: 'create'; readonly task: Task; readonly isReplay: boolean }
  | { readonly done: 'update' | 'restore'; readonly task: Task }
  | { readonly done: 'delete' }
  | { readonly failed: unknown };

@Injectable()
export class TaskBulkService {
  constructor(
    private readonly writer: TaskWriter,
    private readonly cache: CacheStore,
  ) {}

  /**
   * Runs operations, each on its own merits. Those that name the same task run one after the other.
   * @param inputs as they came, validated one by one
   * @param key operation `i` carries `key/i`, so that a repeated request creates nothing twice
   */
  async run(owner: string, inputs: readonly unknown[], key?: string): Promise<Outcome[]> {
    const limit = pLimit(CONCURRENCY);
    const deadline = performance.now() + LONGEST_REQUEST_MS;
    const lastOn = new Map<string, Promise<unknown>>();
    const runs = inputs.map((input, index) => {
      const id = idOf(input);
      const before = id === undefined ? undefined : lastOn.get(id);
      const run = limit(async () => {
        // Queued earlier, so it runs or has run: waiting for it cannot block the queue.
        await before;
        // Nobody waits for the answer any more; what is not begun may be repeated under the same key.
        if (performance.now() > deadline) return { failed: new RequestTimedOut() };
        return this.attempt(owner, input, index, key);
      });
      if (id !== undefined) lastOn.set(id, run);
      return run;
    });
    try {
      return await Promise.all(runs);
    } finally {
      await this.cache.forget(owner);
    }
  }

  private async attempt(owner: string, input: unknown, index: number, key: string | undefined): Promise<Outcome> {
    try {
      const operation = readOperation(input, `/operations/${index}`);
      return await this.apply(owner, operation, key === undefined ? undefined : `${key}/${index}`);
    } catch (failed) {
      return { failed };
    }
  }

  private async apply(owner: string, operation: Operation, key: string | undefined): Promise<Outcome> {
    if (operation.op === 'create') return { done: 'create', ...(await this.writer.create(owner, operation.task, key)) };
    const { id, version } = operation;
    if (!isTaskId(id)) throw new TaskNotFound();
    const precondition: Precondition | undefined = version === undefined ? undefined : (current) => current === version;
    if (operation.op === 'update') {
      return { done: 'update', task: await this.writer.update(owner, id, operation.task, precondition) };
    }
    if (operation.op === 'restore') {
      return { done: 'restore', task: await this.writer.restore(owner, id, precondition) };
    }
    await this.writer.trash(owner, id, precondition);
    return { done: 'delete' };
  }
}

function idOf(input: unknown): string | undefined {
  const id = (input as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : undefined;
}
