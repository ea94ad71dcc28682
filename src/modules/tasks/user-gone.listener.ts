import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import { UserDeleted, UserPurgeDue } from '../users/index.js';
import { TasksService } from './tasks.service.js';

/** Removes the tasks of an account that is gone: at once, and again for what a request that was running has written. */
@Injectable()
export class UserGoneListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly tasks: TasksService,
  ) {}

  onModuleInit(): void {
    this.bus.on('tasks', UserDeleted, ({ userId }) => this.tasks.purge(userId));
    this.bus.on('tasks', UserPurgeDue, ({ userId }) => this.tasks.purge(userId));
  }
}
