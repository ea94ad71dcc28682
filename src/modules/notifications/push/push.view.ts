import type { PushSubscription } from './push-subscription.js';

export class PushKeyView {
  /** For `applicationServerKey` of `PushManager.subscribe()`, base64url. */
  publicKey: string;
}

export class PushSubscriptionView {
  /** @example 'oVt0dRTQyeyCSEjLPwVZRjFeGSBWCIZs' */
  id: string;
  createdAt: Date;
}

export const pushSubscriptionView = ({ id, createdAt }: PushSubscription): PushSubscriptionView => ({ id, createdAt });
