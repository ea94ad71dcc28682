import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import { AppConfig } from '../../config/config.js';
import { Clock } from '../time/clock.js';
import type { Principal, Role } from './principal.js';
import { Revocations } from './revocations.js';
import { VerificationKeys } from './verification-keys.js';

/** Seconds. */
export const ACCESS_TOKEN_TTL_SECONDS = 15 * 60;

/** RFC 9068 §2.1: keeps an access token from being taken for any other JWT, and the other way round. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

const MAX_REMEMBERED = 20_000;

/** The token of `Authorization: Bearer …` (RFC 6750 §2.1). */
export const bearerToken = ({ headers }: FastifyRequest): string | undefined =>
  /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];

/** Issues access tokens and remembers the ones whose signature was verified. */
@Injectable()
export class AccessTokens {
  private readonly verified = new LRUCache<string, Principal>({ max: MAX_REMEMBERED });

  constructor(
    private readonly config: AppConfig,
    private readonly jwt: JwtService,
    private readonly revocations: Revocations,
    private readonly clock: Clock,
    keys: VerificationKeys,
  ) {
    keys.whenWithdrawn(() => this.verified.clear());
  }

  /** Claims of RFC 9068; `sid` names the session, `ver` the user's version. */
  issue(user: { id: string; role: Role; version: number }, sessionId: string): string {
    const [key] = this.config.jwt.keys;
    if (!key?.privateKey) throw new Error('this process has no private key: it verifies tokens and issues none');
    return this.jwt.sign(
      { sid: sessionId, role: user.role, ver: user.version },
      {
        privateKey: key.privateKey,
        algorithm: 'ES256',
        keyid: key.kid,
        header: { alg: 'ES256', typ: ACCESS_TOKEN_TYPE },
        issuer: this.config.jwt.issuer,
        audience: this.config.jwt.audience,
        subject: user.id,
        jwtid: uuidv7(),
        expiresIn: ACCESS_TOKEN_TTL_SECONDS,
      },
    );
  }

  /** The holder of a token that was verified before, if it is still good now. */
  recall(token: string): Principal | undefined {
    const principal = this.verified.get(token);
    return principal && this.isGood(principal) ? principal : undefined;
  }

  remember(token: string, principal: Principal): void {
    this.verified.set(token, principal);
  }

  /** Expiry and revocation are checked at every use, not only when the signature is. */
  isGood(principal: Principal): boolean {
    return principal.expiresAt * 1000 > this.clock.now().getTime() && !this.revocations.isRevoked(principal);
  }
}
