import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Paged } from '../../core/paging/page.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { ListNotifications } from './notification.dto.js';
import { NotificationPageView, notificationPageView, UnreadCountView } from './notification.view.js';
import { NotificationNotFound } from './notifications.errors.js';
import { NotificationsService } from './notifications.service.js';

@ApiTags('notifications')
@ApiBearerAuth('bearer')
@Controller('notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  /** What happened, the newest first; kept for 90 days. */
  @Get()
  @Paged()
  async list(@CurrentUser() { userId }: Principal, @Query() query: ListNotifications): Promise<NotificationPageView> {
    return notificationPageView(await this.notifications.list(userId, query));
  }

  /** How many have not been read yet. */
  @Get('unread-count')
  async unreadCount(@CurrentUser() { userId }: Principal): Promise<UnreadCountView> {
    return { count: await this.notifications.countUnread(userId) };
  }

  /** Marks one as read; again is the same as once. */
  @Post(':id/read')
  @HttpCode(204)
  @Problems(NotificationNotFound)
  async read(@CurrentUser() { userId }: Principal, @Param('id') id: string): Promise<void> {
    await this.notifications.markRead(userId, id);
  }

  /** Marks all as read that are there now. */
  @Post('read-all')
  @HttpCode(204)
  async readAll(@CurrentUser() { userId }: Principal): Promise<void> {
    await this.notifications.markAllRead(userId);
  }
}
