import { Schema } from 'mongoose';
import type { Kind, NotifiedTask } from './notification.js';

export interface NotificationDocument {
  /** Of the event. */
  _id: string;
  owner: string;
  kind: Kind;
  task: NotifiedTask;
  minutesBefore: number | null;
  createdAt: Date;
  /** When it came into the app; absent where it is for other channels only. */
  shownAt?: Date;
  /** Only of what is shown. */
  unread?: boolean;
  readAt: Date | null;
  expireAt: Date;
}

export const NOTIFICATION_MODEL = 'Notification';

export const notificationSchema = new Schema<NotificationDocument>(
  {
    _id: String,
    owner: String,
    kind: String,
    task: {
      type: new Schema({ id: String, title: String, dueAt: Date }, { _id: false, id: false }),
      default: undefined,
    },
    minutesBefore: Number,
    createdAt: Date,
    shownAt: Date,
    unread: Boolean,
    readAt: Date,
    expireAt: Date,
  },
  { collection: 'notifications', versionKey: false, strict: 'throw', read: 'primary' },
);

// The list; the purge of an account by its prefix.
notificationSchema.index({ owner: 1, shownAt: -1, _id: -1 });
// `unread=true`, the number of unread ones, and what `read-all` changes.
notificationSchema.index({ owner: 1, unread: 1, shownAt: -1, _id: -1 });
notificationSchema.index({ expireAt: 1 }, { expireAfterSeconds: 0 });
