import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { WriteContended } from '../../core/errors/core.errors.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { versionTag, type Precondition } from '../../core/http/conditional.js';
import {
  bodyHash,
  IDEMPOTENCY_TTL_MS,
  IdempotencyKeyReused,
  type IdempotencyMark,
} from '../../core/idempotency/idempotency.js';
import { Clock } from '../../core/time/clock.js';
import { changeTask, createTask, removeTask, restoreTask, trashTask, type Decision, type Task } from './task.js';
import { changeOf, contentOf, type CreateTask, type UpdateTask } from './task.dto.js';
import { TaskNotFound, TaskStale } from './tasks.errors.js';
import { TasksRepository } from './tasks.repository.js';

const MAX_ATTEMPTS = 5;
/** Milliseconds, times the number of races lost: those who met once should not meet again. */
const MAX_PAUSE_MS = 10;

export interface Creation {
  readonly task: Task;
  /** The task exists since an earlier request with the same key and body. */
  readonly isReplay: boolean;
}

/**
 * Writes one task: read → decide (`task.ts`) → one conditional write with its event, so that whatever is derived is
 * computed from what it replaces. Forgetting the owner's cached answers is the caller's part.
 */
@Injectable()
export class TaskWriter {
  constructor(
    private readonly tasks: TasksRepository,
    private readonly relay: OutboxRelay,
    private readonly clock: Clock,
  ) {}

  /** @throws IdempotencyKeyReused */
  async create(owner: string, input: CreateTask, key?: string): Promise<Creation> {
    const now = this.clock.now();
    const decision = createTask(this.tasks.newId(), owner, contentOf(input), now);
    const idem = key === undefined ? undefined : { key, bodyHash: bodyHash(input), at: now };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await this.tasks.insert(decision, idem)) {
        this.relay.nudge();
        return { task: decision.task, isReplay: false };
      }
      const earlier = idem && (await this.earlier(owner, idem));
      if (earlier) return { task: earlier, isReplay: true };
      // The equal request that is in the way has not finished, or its key has just been freed.
      await delay(MAX_PAUSE_MS * (attempt + 1));
    }
    throw new WriteContended();
  }

  update(owner: string, id: string, input: UpdateTask, precondition?: Precondition): Promise<Task> {
    const change = changeOf(input);
    return this.write(owner, id, 'live', precondition, (task, now) => changeTask(task, change, now));
  }

  replace(owner: string, id: string, input: CreateTask, precondition?: Precondition): Promise<Task> {
    const content = contentOf(input);
    return this.write(owner, id, 'live', precondition, (task, now) => changeTask(task, content, now));
  }

  trash(owner: string, id: string, precondition?: Precondition): Promise<Task> {
    return this.write(owner, id, 'live', precondition, trashTask);
  }

  remove(owner: string, id: string, precondition?: Precondition): Promise<Task> {
    return this.write(owner, id, 'anywhere', precondition, removeTask);
  }

  restore(owner: string, id: string, precondition?: Precondition): Promise<Task> {
    return this.write(owner, id, 'trash', precondition, restoreTask);
  }

  /** Removes what was read from the trash, unless somebody wrote in between: then it may no longer be there. */
  async removeTrashed(task: Task): Promise<void> {
    if (await this.tasks.replace(task, removeTask(task, this.clock.now()))) this.relay.nudge();
  }

  /** The task that carries the key already; undefined when it went, or its key has expired, and the key is free. */
  private async earlier(owner: string, idem: IdempotencyMark): Promise<Task | undefined> {
    const known = await this.tasks.findByKey(owner, idem.key);
    if (!known) return undefined;
    // Nobody sweeps old marks: one stands in the way only here, and is lifted here.
    if (idem.at.getTime() - known.idem.at.getTime() > IDEMPOTENCY_TTL_MS) {
      await this.tasks.forgetKey(known.task, known.idem);
      return undefined;
    }
    if (known.idem.bodyHash !== idem.bodyHash) throw new IdempotencyKeyReused();
    return known.task;
  }

  /** @throws TaskNotFound, TaskStale; WriteContended when the race was lost five times */
  private async write(
    owner: string,
    id: string,
    place: 'live' | 'trash' | 'anywhere',
    precondition: Precondition | undefined,
    decide: (task: Task, now: Date) => Decision | undefined,
  ): Promise<Task> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const task = await this.tasks.find(owner, id);
      if (!task || (place !== 'anywhere' && task.place !== place)) throw new TaskNotFound();
      if (precondition && !precondition(task.version))
        throw new TaskStale({ headers: { etag: versionTag(task.version) } });
      const decision = decide(task, this.clock.now());
      if (!decision) return task;
      if (await this.tasks.replace(task, decision)) {
        this.relay.nudge();
        return decision.task;
      }
      await delay(Math.random() * MAX_PAUSE_MS * attempt);
    }
    throw new WriteContended();
  }
}
