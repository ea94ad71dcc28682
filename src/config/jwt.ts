import { ConfigError, type Environment } from './environment.js';
import { parseKeys, type SigningKey } from './keys.js';

/** How access tokens are signed and verified. */
export interface JwtConfig {
  readonly issuer: string;
  readonly audience: string;
  /** The first one signs, all verify. A process that does not serve auth has public halves only. */
  readonly keys: readonly SigningKey[];
  /** Where a process without auth finds the public keys, and what became of them. */
  readonly jwksUrl?: string;
}

/**
 * @param kept the key of embedded mode, in the form of `JWT_KEYS`
 * @throws ConfigError for keys that cannot be read
 */
export function jwtConfig(environment: Environment, kept?: string): JwtConfig {
  const { JWT_KEYS = kept, JWT_PUBLIC_KEYS, JWT_ISSUER, JWT_JWKS_URL } = environment;
  const keys = [
    ...(JWT_KEYS ? parseKeys('JWT_KEYS', JWT_KEYS, 'pkcs8') : []),
    ...(JWT_PUBLIC_KEYS ? parseKeys('JWT_PUBLIC_KEYS', JWT_PUBLIC_KEYS, 'spki') : []),
  ];
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length)
    throw new ConfigError('JWT_KEYS: a kid stands there twice');
  return Object.freeze({
    issuer: JWT_ISSUER,
    audience: 'taskflow-api',
    keys: Object.freeze(keys),
    jwksUrl: JWT_JWKS_URL,
  });
}

/** What is wrong with who holds which key: only auth signs, and only it can give the private keys away. */
export function misplacedKeys(environment: Environment, servesAuth: boolean): string[] {
  const { JWT_KEYS, JWT_PUBLIC_KEYS, JWT_JWKS_URL, NODE_ENV, ROLE } = environment;
  if (servesAuth && ROLE !== 'worker') {
    return [
      ...(JWT_KEYS ? [] : ['JWT_KEYS: required with MONGODB_URI where auth is served']),
      ...(JWT_JWKS_URL ? ['JWT_JWKS_URL: for processes without auth only; auth itself has the keys'] : []),
    ];
  }
  return [
    ...(JWT_KEYS && NODE_ENV === 'production'
      ? ['JWT_KEYS: refused in production where auth is not served; JWT_PUBLIC_KEYS or JWT_JWKS_URL is enough']
      : []),
    // A worker asks nobody for a token.
    ...((JWT_KEYS ?? JWT_PUBLIC_KEYS ?? JWT_JWKS_URL) || ROLE === 'worker'
      ? []
      : ['JWT_PUBLIC_KEYS or JWT_JWKS_URL: required where auth is not served']),
  ];
}
