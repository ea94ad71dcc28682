import { DomainEvent } from '../../../core/events/domain-event.js';

/** A task will be due in so many minutes, and is still open. */
export class TaskDeadlineApproaching extends DomainEvent {
  static readonly eventName = 'task.deadline.approaching';

  constructor(
    at: Date,
    readonly userId: string,
    readonly taskId: string,
    /** RFC 3339. */
    readonly dueDate: string,
    readonly minutesBefore: number,
  ) {
    super(at);
  }
}

/** The due date of a task has passed, and it is still open. */
export class TaskOverdue extends DomainEvent {
  static readonly eventName = 'task.overdue';

  constructor(
    at: Date,
    readonly userId: string,
    readonly taskId: string,
    /** RFC 3339. */
    readonly dueDate: string,
  ) {
    super(at);
  }
}
