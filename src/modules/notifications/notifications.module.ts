import { Module, type OnModuleInit } from '@nestjs/common';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { OutboxRepository } from '../../core/events/outbox.repository.js';
import { TasksModule } from '../tasks/index.js';
import { UsersModule } from '../users/index.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { Deliveries } from './deliveries.service.js';
import { EmailSender } from './email.sender.js';
import { FileMailer } from './mail/file.mailer.js';
import { Mailer } from './mail/mailer.js';
import { NOTIFICATION_MODEL, notificationSchema } from './notification.schema.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsListener } from './notifications.listener.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService } from './notifications.service.js';
import { PreferencesController } from './preferences.controller.js';
import { PreferencesRepository } from './preferences.repository.js';
import { PREFERENCES_MODEL, preferencesSchema, type PreferencesDocument } from './preferences.schema.js';
import { PreferencesService } from './preferences.service.js';
import { PushClient } from './push/push-client.js';
import { PUSH_SUBSCRIPTION_MODEL, pushSubscriptionSchema } from './push/push-subscription.schema.js';
import { PushSubscriptionsRepository } from './push/push-subscriptions.repository.js';
import { PushController } from './push/push.controller.js';
import { PushService } from './push/push.service.js';
import { PushSender } from './push.sender.js';
import { ReminderDefaults } from './reminders/reminder-defaults.js';
import { ReminderPlanner } from './reminders/reminder-planner.js';
import { REMINDER_MODEL, reminderSchema, type ReminderDocument } from './reminders/reminder.schema.js';
import { ReminderTrigger } from './reminders/reminder-trigger.js';
import { RemindersRepository } from './reminders/reminders.repository.js';
import { StillOpen } from './still-open.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';
import { UserGoneListener } from './user-gone.listener.js';

/** Matches no preferences: they go with the account only. */
const NEVER = { version: 0 };

@Module({
  imports: [
    MongooseModule.forFeature([
      { name: NOTIFICATION_MODEL, schema: notificationSchema },
      { name: PREFERENCES_MODEL, schema: preferencesSchema },
      { name: PUSH_SUBSCRIPTION_MODEL, schema: pushSubscriptionSchema },
      { name: REMINDER_MODEL, schema: reminderSchema },
    ]),
    TasksModule,
    UsersModule,
  ],
  providers: [
    RemindersRepository,
    ReminderDefaults,
    ReminderPlanner,
    ReminderTrigger,
    NotificationsRepository,
    NotificationsService,
    NotificationsListener,
    PreferencesRepository,
    PreferencesService,
    PushClient,
    PushService,
    PushSubscriptionsRepository,
    StillOpen,
    UnsubscribeLinks,
    { provide: Mailer, inject: [AppConfig], useFactory: mailerFor },
    EmailSender,
    PushSender,
    DeliveriesRepository,
    Deliveries,
    UserGoneListener,
  ],
  exports: [NotificationsService, PreferencesService, PushService, UnsubscribeLinks],
})
export class NotificationsModule implements OnModuleInit {
  constructor(
    @InjectModel(REMINDER_MODEL) private readonly reminders: Model<ReminderDocument>,
    @InjectModel(PREFERENCES_MODEL) private readonly preferences: Model<PreferencesDocument>,
    private readonly relay: OutboxRelay,
  ) {}

  onModuleInit(): void {
    this.relay.addSource(new OutboxRepository('reminders', this.reminders, { state: 'void' }));
    this.relay.addSource(new OutboxRepository('notification_preferences', this.preferences, NEVER));
  }
}

async function mailerFor({ mail, production }: AppConfig): Promise<Mailer> {
  const { smtpUrl, from, directory } = mail;
  if (!smtpUrl) return new FileMailer(directory, from);
  const { SmtpMailer } = await import('./mail/smtp.mailer.js');
  return new SmtpMailer({ url: smtpUrl, from, requireTls: production });
}

/** What `MODULES=notifications` serves. */
@Module({
  imports: [NotificationsModule],
  controllers: [PreferencesController, PushController, UnsubscribeController, NotificationsController],
})
export class NotificationsRoutes {}
