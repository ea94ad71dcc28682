import { Schema } from 'mongoose';
import type { PushSubscription } from './push-subscription.js';

export interface PushSubscriptionDocument extends Omit<PushSubscription, 'id'> {
  /** Of the endpoint. */
  _id: string;
}

export const PUSH_SUBSCRIPTION_MODEL = 'PushSubscription';

export const pushSubscriptionSchema = new Schema<PushSubscriptionDocument>(
  { _id: String, owner: String, endpoint: String, p256dh: String, auth: String, createdAt: Date },
  { collection: 'push_subscriptions', versionKey: false, strict: 'throw', read: 'primary' },
);

// A user's devices, the oldest first.
pushSubscriptionSchema.index({ owner: 1, createdAt: 1 });
