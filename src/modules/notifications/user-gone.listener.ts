import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import { UserDeleted, UserPurgeDue } from '../users/index.js';
import { NotificationsRepository } from './notifications.repository.js';

/** Removes what an account that is gone was told: at once, and again for what was under way. */
@Injectable()
export class UserGoneListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly notifications: NotificationsRepository,
  ) {}

  onModuleInit(): void {
    this.bus.on('notifications', UserDeleted, ({ userId }) => this.notifications.purge(userId));
    this.bus.on('notifications', UserPurgeDue, ({ userId }) => this.notifications.purge(userId));
  }
}
