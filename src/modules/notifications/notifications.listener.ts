import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DomainError } from '../../core/errors/domain-error.js';
import { EventTransport, type LoggedEvent } from '../../core/events/event-transport.js';
import { Clock } from '../../core/time/clock.js';
import { TasksService } from '../tasks/index.js';
import { UsersService } from '../users/index.js';
import { Deliveries } from './deliveries.service.js';
import type { AccountKind, Kind, Notification, Route, TaskNotification } from './notification.js';
import { NotificationsRepository } from './notifications.repository.js';
import { PreferencesService } from './preferences.service.js';
import { PushSubscriptionsRepository } from './push/push-subscriptions.repository.js';
import { accountRoute, routeOf } from './routing.js';

const TASK_EVENTS: Readonly<Record<string, Kind>> = {
  'task.deadline.approaching': 'deadline_approaching',
  'task.overdue': 'overdue',
};
const ACCOUNT_EVENTS: Readonly<Record<string, AccountKind>> = {
  'user.password_reset_requested': 'password_reset',
  'user.email_verification_requested': 'email_verification',
};

/**
 * Makes a notification of each event that somebody should hear of, in one write with all that is to be sent for it. Its
 * id is the event's, so it is made once.
 */
@Injectable()
export class NotificationsListener implements OnModuleInit {
  constructor(
    private readonly transport: EventTransport,
    private readonly notifications: NotificationsRepository,
    private readonly deliveries: Deliveries,
    private readonly preferences: PreferencesService,
    private readonly subscriptions: PushSubscriptionsRepository,
    private readonly users: UsersService,
    private readonly tasks: TasksService,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.transport.subscribe({
      group: 'notifications',
      module: 'notifications',
      names: [...Object.keys(TASK_EVENTS), ...Object.keys(ACCOUNT_EVENTS)],
      handle: (event) => this.handle(event),
    });
  }

  async handle(event: LoggedEvent): Promise<void> {
    const user = await this.users.findById(event.owner);
    if (user?.status !== 'active') return;
    const now = this.clock.now();
    const accountKind = ACCOUNT_EVENTS[event.name];
    if (accountKind) {
      const { tokenId } = event.facts as { tokenId: string };
      const { id, owner, at: createdAt } = event;
      return this.tell({ id, owner, createdAt, kind: accountKind, tokenId }, accountRoute(now), now);
    }
    const notification = await this.aboutTask(event, TASK_EVENTS[event.name]!);
    if (!notification) return;
    const [wants, hasPush] = await Promise.all([
      this.preferences.of(user.id),
      this.subscriptions.isSubscribed(user.id),
    ]);
    await this.tell(notification, routeOf(notification.kind, user, wants, hasPush, now), now);
  }

  private async tell(notification: Notification, route: Route, now: Date): Promise<void> {
    if (!route.inApp && Object.keys(route.channels).length === 0) return;
    await this.notifications.insert(notification, route, now);
    await this.deliveries.begin(notification, route);
  }

  /** Undefined when the task is gone: there is nothing left to hear of. */
  private async aboutTask({ id, owner, at, facts }: LoggedEvent, kind: Kind): Promise<TaskNotification | undefined> {
    const { taskId, dueDate, minutesBefore = null } = facts as unknown as DeadlineFacts;
    try {
      const { title } = await this.tasks.get(owner, taskId);
      return { id, owner, createdAt: at, kind, task: { id: taskId, title, dueAt: new Date(dueDate) }, minutesBefore };
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }
}

/** Of the events about a deadline. */
interface DeadlineFacts {
  readonly taskId: string;
  /** RFC 3339. */
  readonly dueDate: string;
  readonly minutesBefore?: number;
}
