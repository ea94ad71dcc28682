import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/time/clock.js';
import { TaskStatsService } from '../tasks/index.js';
import { UserDirectory } from '../users/index.js';
import type { AdminStatsView } from './admin-stats.view.js';

/** The whole installation in numbers. */
@Injectable()
export class AdminStatsService {
  constructor(
    private readonly directory: UserDirectory,
    private readonly tasks: TaskStatsService,
    private readonly clock: Clock,
  ) {}

  async stats(): Promise<AdminStatsView> {
    const generatedAt = this.clock.now();
    const [users, tasks] = await Promise.all([this.directory.counts(), this.tasks.ofAll()]);
    return { users, tasks, generatedAt };
  }
}
