import { Module, type OnModuleInit } from '@nestjs/common';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { OutboxRepository } from '../../core/events/outbox.repository.js';
import { TasksModule } from '../tasks/index.js';
import { NOTIFICATION_MODEL, notificationSchema } from './notification.schema.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService } from './notifications.service.js';
import { ReminderDefaults } from './reminders/reminder-defaults.js';
import { ReminderPlanner } from './reminders/reminder-planner.js';
import { REMINDER_MODEL, reminderSchema, type ReminderDocument } from './reminders/reminder.schema.js';
import { ReminderTrigger } from './reminders/reminder-trigger.js';
import { RemindersRepository } from './reminders/reminders.repository.js';
import { UserGoneListener } from './user-gone.listener.js';

@Module({
  imports: [
    MongooseModule.forFeature([
      { name: NOTIFICATION_MODEL, schema: notificationSchema },
      { name: REMINDER_MODEL, schema: reminderSchema },
    ]),
    TasksModule,
  ],
  providers: [
    RemindersRepository,
    ReminderDefaults,
    ReminderPlanner,
    ReminderTrigger,
    NotificationsRepository,
    NotificationsService,
    UserGoneListener,
  ],
  exports: [NotificationsService],
})
export class NotificationsModule implements OnModuleInit {
  constructor(
    @InjectModel(REMINDER_MODEL) private readonly reminders: Model<ReminderDocument>,
    private readonly relay: OutboxRelay,
  ) {}

  onModuleInit(): void {
    this.relay.addSource(new OutboxRepository('reminders', this.reminders, { state: 'void' }));
  }
}

/** What `MODULES=notifications` serves. */
@Module({ imports: [NotificationsModule], controllers: [NotificationsController] })
export class NotificationsRoutes {}
