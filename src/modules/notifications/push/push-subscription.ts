import { createECDH, createHash } from 'node:crypto';

/** A browser that takes pushes, as its push service and RFC 8291 know it. */
export interface PushSubscription {
  readonly id: string;
  readonly owner: string;
  /** Whoever knows it can send there, so it is shown to nobody. */
  readonly endpoint: string;
  /** The browser's public key and shared secret, base64url. */
  readonly p256dh: string;
  readonly auth: string;
  readonly createdAt: Date;
}

/** More devices than a person has; the oldest one goes. */
export const MAX_SUBSCRIPTIONS = 20;

/** A browser has one endpoint, whoever is signed in: the last one who subscribed has it. */
export const subscriptionIdOf = (endpoint: string): string =>
  createHash('sha256').update(endpoint).digest('base64url').slice(0, 32);

/** An uncompressed point on P-256. */
export function isP256Point(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[\w-]{87}=?$/.test(value)) return false;
  const pair = createECDH('prime256v1');
  pair.generateKeys();
  try {
    pair.computeSecret(Buffer.from(value, 'base64url'));
    return true;
  } catch {
    return false;
  }
}
