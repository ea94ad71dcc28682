import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DeadLetters } from '../../core/events/dead-letters.js';
import { EventBus } from '../../core/events/event-bus.js';
import { EventLog } from '../../core/events/event-log.repository.js';
import { UserDeleted, UserPurgeDue } from '../users/index.js';
import { NotificationsRepository } from './notifications.repository.js';
import { PreferencesRepository } from './preferences.repository.js';
import { PushSubscriptionsRepository } from './push/push-subscriptions.repository.js';
import { RemindersRepository } from './reminders/reminders.repository.js';

/** Removes what is kept of an account that is gone: at once, and again for what was under way. */
@Injectable()
export class UserGoneListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly notifications: NotificationsRepository,
    private readonly preferences: PreferencesRepository,
    private readonly subscriptions: PushSubscriptionsRepository,
    private readonly reminders: RemindersRepository,
    private readonly deadLetters: DeadLetters,
    private readonly log: EventLog,
  ) {}

  onModuleInit(): void {
    this.bus.on('notifications', UserDeleted, ({ userId }) => this.purge(userId));
    this.bus.on('notifications', UserPurgeDue, ({ userId }) => this.purge(userId));
  }

  private async purge(owner: string): Promise<void> {
    const { reminders, subscriptions, preferences, notifications, deadLetters, log } = this;
    for (const kept of [reminders, subscriptions, preferences, notifications, deadLetters, log])
      await kept.purge(owner);
  }
}
