import { ApiProperty } from '@nestjs/swagger';
import type { Page } from '../../core/paging/page.js';
import { KINDS, type Kind, type ShownNotification } from './notification.js';

/** A task as it was when the notification was made. */
export class NotifiedTaskView {
  id: string;
  /** @example 'Write the report' */
  title: string;
  dueAt: Date;
}

export class NotificationView {
  /** @example '0192f0c1-2b7e-7c55-9d3a-6f2f8d0e4b11' */
  id: string;
  @ApiProperty({ enum: KINDS }) kind: Kind;
  task: NotifiedTaskView;
  /** How long before the due date, for `deadline_approaching`; else null. */
  @ApiProperty({ type: 'integer', nullable: true, example: 60 }) minutesBefore: number | null;
  createdAt: Date;
  @ApiProperty({ type: Date, nullable: true }) readAt: Date | null;
}

/** Newest first; `nextCursor` is null on the last page. */
export class NotificationPageView {
  @ApiProperty({ type: [NotificationView] }) items: readonly NotificationView[];
  @ApiProperty({ type: String, nullable: true }) nextCursor: string | null;
}

export class UnreadCountView {
  @ApiProperty({ type: 'integer', minimum: 0, example: 3 }) count: number;
}

export const notificationPageView = ({ items, nextCursor }: Page<ShownNotification>): NotificationPageView => ({
  items: items.map(notificationView),
  nextCursor,
});

const notificationView = (notification: ShownNotification): NotificationView => ({
  id: notification.id,
  kind: notification.kind,
  task: { id: notification.task.id, title: notification.task.title, dueAt: notification.task.dueAt },
  minutesBefore: notification.minutesBefore,
  createdAt: notification.createdAt,
  readAt: notification.readAt,
});
