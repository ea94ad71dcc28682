import { Injectable } from '@nestjs/common';
import { CursorInvalid } from '../../core/errors/core.errors.js';
import { CursorCodec } from '../../core/paging/cursor.js';
import { DEFAULT_PAGE_LIMIT, type Page } from '../../core/paging/page.js';
import { Clock } from '../../core/time/clock.js';
import type { ShownNotification } from './notification.js';
import { NotificationNotFound } from './notifications.errors.js';
import { NotificationsRepository, type ListPosition } from './notifications.repository.js';

export interface NotificationQuery {
  readonly unread?: boolean;
  readonly cursor?: string;
  readonly limit?: number;
}

/** What an owner finds in the app. */
@Injectable()
export class NotificationsService {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly cursors: CursorCodec,
    private readonly clock: Clock,
  ) {}

  /** Newest first. @throws CursorInvalid */
  async list(owner: string, query: NotificationQuery): Promise<Page<ShownNotification>> {
    const { unread = false, cursor, limit = DEFAULT_PAGE_LIMIT } = query;
    const binding = ['notifications', owner, unread];
    const after = cursor === undefined ? undefined : this.position(binding, cursor);
    const found = await this.notifications.list(owner, unread, limit + 1, after);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last;
    return { items, nextCursor: more ? this.cursors.encode(binding, [last.createdAt.getTime(), last.id]) : null };
  }

  countUnread(owner: string): Promise<number> {
    return this.notifications.countUnread(owner);
  }

  /** Again is the same as once. @throws NotificationNotFound */
  async markRead(owner: string, id: string): Promise<void> {
    if (!(await this.notifications.markRead(owner, id, this.clock.now()))) throw new NotificationNotFound();
  }

  markAllRead(owner: string): Promise<void> {
    return this.notifications.markAllRead(owner, this.clock.now());
  }

  private position(binding: readonly unknown[], cursor: string): ListPosition {
    const [createdAt, id] = this.cursors.decode(binding, cursor) as [unknown, unknown];
    if (typeof createdAt !== 'number' || typeof id !== 'string') throw new CursorInvalid();
    return { createdAt: new Date(createdAt), id };
  }
}
