import { DomainEvent } from '../../core/events/domain-event.js';

/** The reminders of tasks that have none of their own are others now. */
export class RemindersChanged extends DomainEvent {
  static readonly eventName = 'notifications.reminders_changed';

  constructor(
    at: Date,
    readonly userId: string,
  ) {
    super(at);
  }
}
