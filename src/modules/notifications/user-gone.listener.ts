import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import { UserDeleted, UserPurgeDue } from '../users/index.js';
import { NotificationsRepository } from './notifications.repository.js';
import { RemindersRepository } from './reminders/reminders.repository.js';

/** Removes what an account that is gone was told: at once, and again for what was under way. */
@Injectable()
export class UserGoneListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly notifications: NotificationsRepository,
    private readonly reminders: RemindersRepository,
  ) {}

  onModuleInit(): void {
    this.bus.on('notifications', UserDeleted, ({ userId }) => this.purge(userId));
    this.bus.on('notifications', UserPurgeDue, ({ userId }) => this.purge(userId));
  }

  private async purge(owner: string): Promise<void> {
    await this.reminders.purge(owner);
    await this.notifications.purge(owner);
  }
}
