import { ApiProperty } from '@nestjs/swagger';
import { ACCESS_TOKEN_TTL_SECONDS } from '../../core/security/access-tokens.js';
import { userView, UserView } from '../users/index.js';
import type { SignedIn } from './auth.service.js';
import type { Session } from './session.store.js';

export class SignedInView {
  user: UserView;
  /** A JWT, for `Authorization: Bearer`. */
  accessToken: string;
  tokenType: 'Bearer';
  /**
   * Seconds for which the access token is good.
   * @example 900
   */
  @ApiProperty({ type: 'integer' })
  expiresIn: number;
  /** Only for a client that asked for it in the body, or sent it there. */
  refreshToken?: string;
}

export function signedInView({ user, accessToken, refreshToken }: SignedIn, refreshInBody: boolean): SignedInView {
  return {
    user: userView(user),
    accessToken,
    tokenType: 'Bearer',
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
    ...(refreshInBody ? { refreshToken } : {}),
  };
}

/** A sign-in on one device. */
export class SessionView {
  /** @example '0b54e0f7-6b5a-4f0e-9d3b-2f1c8a7d9e10' */
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  /**
   * Where it was used last.
   * @example '203.0.113.7'
   */
  ip: string;
  /** @example 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' */
  userAgent: string;
  /** Whether it is the session of this request. */
  current: boolean;
}

export class SessionListView {
  items: SessionView[];
}

export function sessionListView(sessions: readonly Session[], currentId: string): SessionListView {
  return {
    items: sessions.map(({ id, createdAt, lastUsedAt, ip, userAgent }) => {
      return { id, createdAt, lastUsedAt, ip, userAgent, current: id === currentId };
    }),
  };
}

/** A public key of RFC 7517 for ES256. */
export class JwkView {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
  kid: string;
  use: 'sig';
  alg: 'ES256';
}

export class JwksView {
  keys: JwkView[];
}
