import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const FAMILY_BYTES = 16;
const SECRET_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^([\da-f]{24})\.([\da-f-]{36})\.([\w-]{64})$/;

/**
 * `<userId>.<sessionId>.<base64url(family ‖ secret)>`. The family stays the same for the whole chain and the secret
 * changes at every rotation: whoever knows the family held a token of the chain, so that an old secret with it is a
 * reuse, while a session id, which every access token shows, proves nothing.
 */
export interface RefreshToken {
  readonly userId: string;
  readonly sessionId: string;
  readonly family: Buffer;
  readonly secret: Buffer;
}

/** The first token of a chain. */
export function newRefreshToken(userId: string, sessionId: string): RefreshToken {
  return { userId, sessionId, family: randomBytes(FAMILY_BYTES), secret: randomBytes(SECRET_BYTES) };
}

export function successorOf(token: RefreshToken): RefreshToken {
  return { ...token, secret: randomBytes(SECRET_BYTES) };
}

export function writeRefreshToken({ userId, sessionId, family, secret }: RefreshToken): string {
  return `${userId}.${sessionId}.${Buffer.concat([family, secret]).toString('base64url')}`;
}

/** Undefined when the text does not have the form of a token. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  const [, userId, sessionId, encoded] = FORM.exec(text) ?? [];
  if (userId === undefined || sessionId === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64url');
  return { userId, sessionId, family: bytes.subarray(0, FAMILY_BYTES), secret: bytes.subarray(FAMILY_BYTES) };
}

/** What is stored of a family or a secret. Both are random, so that a plain hash cannot be searched backwards. */
export const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url');

/** Encrypts the successor's secret so that only a holder of the parent can read it (AES-256-GCM under HKDF). */
export function seal(successor: RefreshToken, parent: RefreshToken): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(parent), iv).setAAD(Buffer.from(parent.sessionId));
  const text = Buffer.concat([cipher.update(successor.secret), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
}

/** @throws Error when `parent` is not what the successor was sealed under */
export function unseal(sealed: string, parent: RefreshToken): RefreshToken {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(parent), bytes.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(parent.sessionId))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const secret = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  return { ...parent, secret };
}

const sealingKey = ({ secret, family }: RefreshToken): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, family, 'taskflow refresh successor', 32));
