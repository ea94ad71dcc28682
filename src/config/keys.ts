import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './environment.js';

/** A key pair (or only its public half) for ES256, named by its `kid`. */
export interface SigningKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
  /** Absent in a process that only verifies. */
  readonly privateKey?: KeyObject;
}

/**
 * Parses `kid:base64url(DER)[,…]`, where DER is PKCS#8 for private and SPKI for public keys.
 * @throws ConfigError when a key is not on the P-256 curve, which ES256 wants (RFC 7518 §3.4)
 */
export function parseKeys(name: string, text: string, type: 'pkcs8' | 'spki'): SigningKey[] {
  return text.split(',').map((entry) => {
    const [kid = '', encoded = ''] = entry.split(':');
    try {
      const key = Buffer.from(encoded, 'base64url');
      const privateKey = type === 'pkcs8' ? createPrivateKey({ key, format: 'der', type }) : undefined;
      const publicKey = privateKey
        ? createPublicKey(privateKey)
        : createPublicKey({ key, format: 'der', type: 'spki' });
      if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not P-256');
      return Object.freeze({ kid, publicKey, privateKey });
    } catch {
      throw new ConfigError(`${name}: expected kid:base64url(${type === 'pkcs8' ? 'PKCS#8' : 'SPKI'})[,…], ES256`);
    }
  });
}

/** A fresh ES256 key in the form of `JWT_KEYS`. */
export function generateJwtKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomBytes(6).toString('hex');
  return `${kid}:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')}`;
}

/**
 * The secrets of embedded mode: made at the first start and kept in `directory`, readable by the owner only, so that
 * a restart neither logs anybody out nor breaks a cursor.
 * @throws ConfigError when the directory cannot be written or the file cannot be read
 */
export function keptSecrets(directory: string): { jwtKeys: string; secretKey: string } {
  const file = join(directory, 'secrets.json');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const fresh = { jwtKeys: generateJwtKey(), secretKey: randomBytes(32).toString('base64url') };
    // `wx`: of two processes that start together one creates the file, the other reads it.
    writeFileSync(file, `${JSON.stringify(fresh)}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return fresh;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // Kept before is well; a file where the directory should be is not.
    if (code !== 'EEXIST' || syscall === 'mkdir') {
      throw new ConfigError(`DATA_DIR: the directory cannot be written (${code})`);
    }
  }
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { jwtKeys: string; secretKey: string };
    if (typeof kept.jwtKeys === 'string' && typeof kept.secretKey === 'string') return kept;
  } catch {
    // Falls through: unreadable and incomplete are the same to the operator.
  }
  throw new ConfigError('DATA_DIR: its secrets.json cannot be read; restore it, or remove it to sign everybody out');
}
