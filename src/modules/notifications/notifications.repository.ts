import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, QueryFilter } from 'mongoose';
import { duplicateKey } from '../../core/mongo/store-failure.js';
import { lookAtFor, type Delivery } from './delivery.js';
import {
  KEPT_MS,
  type Channel,
  type Notification,
  type Route,
  type ShownNotification,
  type TaskNotification,
} from './notification.js';
import { NOTIFICATION_MODEL, type NotificationDocument } from './notification.schema.js';

/** Where a page of the list begins: after this notification. */
export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** Notifications as MongoDB keeps them, each for 90 days. */
@Injectable()
export class NotificationsRepository {
  constructor(@InjectModel(NOTIFICATION_MODEL) private readonly model: Model<NotificationDocument>) {}

  /** With everything that is to be done about it. One that is there already stays as it is. */
  async insert({ id, ...notification }: Notification, { inApp, channels }: Route, now: Date): Promise<void> {
    const { createdAt } = notification;
    const pending = Object.entries(channels).map(
      ([channel, sendAt]) => [channel as Channel, waiting(sendAt, now)] as const,
    );
    try {
      await this.model.create({
        _id: id,
        ...notification,
        ...(inApp ? { shownAt: createdAt, unread: true, readAt: null } : {}),
        ...(pending.length > 0 ? { deliveries: Object.fromEntries(pending) } : {}),
        expireAt: new Date(createdAt.getTime() + KEPT_MS),
      });
    } catch (error) {
      if (!duplicateKey(error)) throw error;
    }
  }

  /** Those in the app, the newest first. */
  async list(owner: string, isUnread: boolean, limit: number, after?: ListPosition): Promise<ShownNotification[]> {
    const filter: QueryFilter<NotificationDocument> = {
      owner,
      ...(isUnread ? { unread: true } : {}),
      // The first condition leaves out what is not shown, or bounds the walk over the index, which an `$or` does not.
      shownAt: after ? { $lte: after.createdAt } : { $exists: true },
      ...(after
        ? { $or: [{ shownAt: { $lt: after.createdAt } }, { shownAt: after.createdAt, _id: { $lt: after.id } }] }
        : {}),
    };
    const found = await this.model.find(filter).sort({ shownAt: -1, _id: -1 }).limit(limit).lean();
    return found.map((document) => ({ ...(toNotification(document) as TaskNotification), readAt: document.readAt! }));
  }

  async countUnread(owner: string): Promise<number> {
    return this.model.countDocuments({ owner, unread: true });
  }

  /** @returns whether there is such a notification in the owner's app; one that was read before stays as it is */
  async markRead(owner: string, id: string, now: Date): Promise<boolean> {
    const change = { $set: { unread: false, readAt: now } };
    const { matchedCount } = await this.model.updateOne({ _id: id, owner, unread: true }, change);
    return matchedCount > 0 || (await this.model.exists({ _id: id, owner, unread: false })) !== null;
  }

  /** Not what has come after `now`. */
  async markAllRead(owner: string, now: Date): Promise<void> {
    await this.model.updateMany(
      { owner, unread: true, shownAt: { $lte: now } },
      { $set: { unread: false, readAt: now } },
    );
  }

  async purge(owner: string): Promise<void> {
    await this.model.deleteMany({ owner });
  }
}

const waiting = (sendAt: Date, now: Date): Delivery => ({
  state: 'pending',
  sendAt,
  lookAt: lookAtFor(sendAt, now),
  attempts: 0,
  reached: [],
});

export function toNotification(document: NotificationDocument): Notification {
  const { _id: id, owner, kind, task, minutesBefore, tokenId, createdAt } = document;
  return (
    task ? { id, owner, kind, task, minutesBefore, createdAt } : { id, owner, kind, tokenId, createdAt }
  ) as Notification;
}
