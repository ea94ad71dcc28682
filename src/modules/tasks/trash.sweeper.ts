import { Injectable, type OnModuleInit } from '@nestjs/common';
import pLimit from 'p-limit';
import { CacheStore } from '../../core/cache/cache.store.js';
import { AT_ONCE, Background } from '../../core/events/background.js';
import { Clock } from '../../core/time/clock.js';
import { TRASH_KEPT_MS } from './task.js';
import { TaskWriter } from './task-writer.js';
import { TasksRepository } from './tasks.repository.js';

const CHORE = 'empty trash';
const EVERY_MS = 10 * 60 * 1000;
/** Small, because the relay waits while a batch runs. */
const BATCH = 100;

/** Removes what has been in the trash for 30 days. A TTL index would take the events away with the documents. */
@Injectable()
export class TrashSweeper implements OnModuleInit {
  constructor(
    private readonly background: Background,
    private readonly tasks: TasksRepository,
    private readonly writer: TaskWriter,
    private readonly cache: CacheStore,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.background.every('tasks', CHORE, EVERY_MS, () => this.sweep());
  }

  /** One batch; when it was full the next one follows at once. */
  async sweep(): Promise<void> {
    const expired = await this.tasks.trashedBefore(new Date(this.clock.now().getTime() - TRASH_KEPT_MS), BATCH);
    await pLimit(AT_ONCE).map(expired, (task) => this.writer.removeTrashed(task));
    for (const owner of new Set(expired.map((task) => task.owner))) await this.cache.forget(owner);
    if (expired.length === BATCH) this.background.nudge(CHORE);
  }
}
