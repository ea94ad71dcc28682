import { createECDH, createHmac } from 'node:crypto';
import { ConfigError, type Environment } from './environment.js';

/** With which key this installation names itself to push services (VAPID, RFC 8292); all base64url. */
export interface PushConfig {
  /** What browsers are given when they subscribe: with another one their subscriptions are worth nothing. */
  readonly publicKey: string;
  readonly privateKey: string;
  /** Where the operator of a push service can complain: `mailto:` or `https:`. */
  readonly subject: string;
}

/**
 * @param seed of a key where none is configured; undefined: then there are no pushes
 * @throws ConfigError
 */
export function pushConfig(environment: Environment, seed?: Buffer): PushConfig | undefined {
  const { VAPID_PRIVATE_KEY, VAPID_SUBJECT, MAIL_FROM } = environment;
  const key = VAPID_PRIVATE_KEY ? Buffer.from(VAPID_PRIVATE_KEY, 'base64url') : seed && derived(seed);
  if (!key) return undefined;
  const pair = createECDH('prime256v1');
  try {
    if (key.length !== 32) throw new Error('another length');
    pair.setPrivateKey(key);
  } catch {
    throw new ConfigError('VAPID_PRIVATE_KEY: expected 32 bytes of a P-256 key in base64url');
  }
  const address = /<([^>]+)>$/.exec(MAIL_FROM)?.[1] ?? MAIL_FROM;
  return Object.freeze({
    publicKey: pair.getPublicKey('base64url'),
    privateKey: key.toString('base64url'),
    subject: VAPID_SUBJECT ?? `mailto:${address}`,
  });
}

/** The same as long as the seed is. */
const derived = (seed: Buffer): Buffer => createHmac('sha256', seed).update('vapid').digest();
