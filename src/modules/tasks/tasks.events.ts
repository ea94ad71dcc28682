import { DomainEvent } from '../../core/events/domain-event.js';

/** Something that happened to one task of one user. */
abstract class TaskEvent extends DomainEvent {
  constructor(
    at: Date,
    readonly taskId: string,
    readonly owner: string,
  ) {
    super(at);
  }
}

export class TaskCreated extends TaskEvent {
  static readonly eventName = 'task.created';
}

export class TaskUpdated extends TaskEvent {
  static readonly eventName = 'task.updated';

  constructor(
    at: Date,
    taskId: string,
    owner: string,
    /** Names of the fields that have another value now. */
    readonly fields: readonly string[],
  ) {
    super(at, taskId, owner);
  }
}

/** It became `done`; the same write is also a `TaskCreated` or a `TaskUpdated`. */
export class TaskCompleted extends TaskEvent {
  static readonly eventName = 'task.completed';
}

/** It went into the trash. */
export class TaskDeleted extends TaskEvent {
  static readonly eventName = 'task.deleted';
}

export class TaskRestored extends TaskEvent {
  static readonly eventName = 'task.restored';
}

/** It is gone for good. */
export class TaskRemoved extends TaskEvent {
  static readonly eventName = 'task.removed';
}
