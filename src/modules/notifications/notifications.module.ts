import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { NOTIFICATION_MODEL, notificationSchema } from './notification.schema.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService } from './notifications.service.js';
import { UserGoneListener } from './user-gone.listener.js';

@Module({
  imports: [MongooseModule.forFeature([{ name: NOTIFICATION_MODEL, schema: notificationSchema }])],
  providers: [NotificationsRepository, NotificationsService, UserGoneListener],
  exports: [NotificationsService],
})
export class NotificationsModule {}

/** What `MODULES=notifications` serves. */
@Module({ imports: [NotificationsModule], controllers: [NotificationsController] })
export class NotificationsRoutes {}
