import { parseKeys } from '../../src/config/keys.js';

/** The public halves of `JWT_KEYS`, in the form of `JWT_PUBLIC_KEYS`. */
export const publicKeys = (jwtKeys: string): string =>
  parseKeys('JWT_KEYS', jwtKeys, 'pkcs8')
    .map(({ kid, publicKey }) => `${kid}:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64url')}`)
    .join(',');
