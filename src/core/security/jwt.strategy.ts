import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { callbackify } from 'node:util';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { AppConfig } from '../../config/config.js';
import { ACCESS_TOKEN_TYPE } from './access-tokens.js';
import type { Principal } from './principal.js';
import { VerificationKeys } from './verification-keys.js';

interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly role: 'user' | 'admin';
  readonly ver: number;
  readonly exp: number;
}

/**
 * Verifies an access token against the key its `kid` names. Keys are `KeyObject`s: with a string, jsonwebtoken tries
 * to parse a public key at every verification. Algorithm, issuer, audience and type are fixed (RFC 8725 §3).
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(config: AppConfig, keys: VerificationKeys) {
    const keyOf = callbackify(async (token: string) => {
      const kid = kidOf(token);
      const key = kid === undefined ? undefined : await keys.find(kid);
      if (!key) throw new Error('unknown key or token type');
      return key as never;
    });
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      algorithms: ['ES256'],
      issuer: config.jwt.issuer,
      audience: config.jwt.audience,
      // passport-jwt's types know strings and buffers; jsonwebtoken, which gets the key, takes a KeyObject.
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: Error | null, key?: never) => void) => {
        keyOf(token, done);
      },
    });
  }

  validate({ sub, sid, role, ver, exp }: Claims): Principal {
    return { userId: sub, sessionId: sid, role, version: ver, expiresAt: exp };
  }
}

/** The key that an access token names; undefined when it is none. */
function kidOf(token: string): string | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as {
      kid?: unknown;
      typ?: unknown;
    };
    return header.typ === ACCESS_TOKEN_TYPE && typeof header.kid === 'string' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}
