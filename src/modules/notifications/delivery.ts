import { backoffMs } from '../../core/time/backoff.js';
import type { Channel, Notification } from './notification.js';

/** How far a notification is on one channel. */
export interface Delivery {
  readonly state: 'pending' | 'sent' | 'skipped' | 'dead';
  /** Not before. */
  readonly sendAt: Date;
  /** Only while it is pending: when a process looks whether a job does it. */
  readonly lookAt?: Date;
  /** Somebody is sending it; if that process dies, the next one may after this. */
  readonly claimedUntil?: Date;
  readonly attempts: number;
  /** Of the last attempt that failed. */
  readonly error?: string;
  /** Who has got it already, where there are several on the channel. */
  readonly reached: readonly string[];
}

/** A delivery that somebody has claimed. */
export interface Claim {
  readonly notification: Notification;
  readonly channel: Channel;
  /** This one included. */
  readonly attempts: number;
  readonly reached: readonly string[];
}

/** What a job carries. */
export interface DeliveryJob {
  readonly id: string;
  readonly owner: string;
  readonly channel: Channel;
}

export const jobIdOf = ({ id, channel }: DeliveryJob): string => `${id}.${channel}`;

/** Milliseconds. */
export const SEND_TIMEOUT_MS = 30_000;
/** Longer than an attempt takes, so that no second one begins beside it. */
export const CLAIM_MS = SEND_TIMEOUT_MS + 5000;
/** What is due later is no job yet. */
const SOON_MS = 60_000;
/** Until somebody looks whether a job that was added has been done: it may have been lost with Redis. */
const GRACE_MS = 30_000;

/** Whatever is due is looked at within that time. */
export const LOOKED_AT_WITHIN_MS = Math.max(GRACE_MS, CLAIM_MS);

/** Whether it is a job already, in whose queue it waits. */
export const isSoon = (sendAt: Date, now: Date): boolean => sendAt.getTime() - now.getTime() < SOON_MS;

/** When somebody looks whether there is a job for it. */
export const lookAtFor = (sendAt: Date, now: Date): Date =>
  isSoon(sendAt, now) ? new Date(Math.max(sendAt.getTime(), now.getTime()) + GRACE_MS) : sendAt;

/** After so many failures, some four hours, a delivery is a dead letter. */
export const MAX_ATTEMPTS = 14;

/** Milliseconds until the next attempt. */
export const pauseAfter = (attempts: number): number =>
  backoffMs(attempts, { firstMs: 2000, longestMs: 60 * 60 * 1000, jitter: 0.3 });
