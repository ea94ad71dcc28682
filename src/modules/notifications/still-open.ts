import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/time/clock.js';
import { TaskDeadlines } from '../tasks/index.js';
import type { TaskNotification } from './notification.js';

/** Whether what a notification says is still so: between its making and its sending lies a night, or an outage. */
@Injectable()
export class StillOpen {
  constructor(
    private readonly deadlines: TaskDeadlines,
    private readonly clock: Clock,
  ) {}

  /** The task is open, is due when it was, and nobody is told of a deadline to come that has passed. */
  async is({ owner, kind, task, minutesBefore }: TaskNotification): Promise<boolean> {
    const [deadline] = await this.deadlines.among(owner, [task.id]);
    if (deadline?.dueAt.getTime() !== task.dueAt.getTime()) return false;
    const hasPassed = task.dueAt <= this.clock.now();
    return kind === 'overdue' || minutesBefore === 0 || !hasPassed;
  }
}
