import { Schema } from 'mongoose';
import type { Delivery } from './delivery.js';
import type { AccountKind, Channel, Kind, NotifiedTask } from './notification.js';

export interface NotificationDocument {
  /** Of the event. */
  _id: string;
  owner: string;
  kind: Kind | AccountKind;
  task?: NotifiedTask;
  minutesBefore?: number | null;
  tokenId?: string;
  createdAt: Date;
  /** When it came into the app; absent where it is for other channels only. */
  shownAt?: Date;
  /** Only of what is shown. */
  unread?: boolean;
  readAt?: Date | null;
  deliveries?: Partial<Record<Channel, Delivery>>;
  expireAt: Date;
}

export const NOTIFICATION_MODEL = 'Notification';

const nested = { _id: false, id: false } as const;
const taskSchema = new Schema({ id: String, title: String, dueAt: Date }, nested);
const deliverySchema = new Schema(
  {
    state: String,
    sendAt: Date,
    lookAt: Date,
    claimedUntil: Date,
    attempts: Number,
    error: String,
    reached: { type: [String], default: undefined },
  },
  nested,
);

export const notificationSchema = new Schema<NotificationDocument>(
  {
    _id: String,
    owner: String,
    kind: String,
    task: { type: taskSchema, default: undefined },
    minutesBefore: Number,
    tokenId: String,
    createdAt: Date,
    shownAt: Date,
    unread: Boolean,
    readAt: Date,
    deliveries: { type: new Schema({ email: deliverySchema, push: deliverySchema }, nested), default: undefined },
    expireAt: Date,
  },
  { collection: 'notifications', versionKey: false, strict: 'throw', read: 'primary' },
);

// The list; the purge of an account by its prefix.
notificationSchema.index({ owner: 1, shownAt: -1, _id: -1 });
// `unread=true`, the number of unread ones, and what `read-all` changes.
notificationSchema.index({ owner: 1, unread: 1, shownAt: -1, _id: -1 });
notificationSchema.index({ expireAt: 1 }, { expireAfterSeconds: 0 });
// What is still to be sent, of any owner; sparse, so that they hold nothing else.
notificationSchema.index({ 'deliveries.email.lookAt': 1 }, { sparse: true });
notificationSchema.index({ 'deliveries.push.lookAt': 1 }, { sparse: true });
