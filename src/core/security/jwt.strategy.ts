import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { KeyObject } from 'node:crypto';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { AppConfig } from '../../config/config.js';
import { ACCESS_TOKEN_TYPE } from './access-tokens.js';
import type { Principal } from './principal.js';

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
  constructor(config: AppConfig) {
    const keys = new Map(config.jwt.keys.map(({ kid, publicKey }) => [kid, publicKey]));
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      algorithms: ['ES256'],
      issuer: config.jwt.issuer,
      audience: config.jwt.audience,
      // passport-jwt's types know strings and buffers; jsonwebtoken, which gets the key, takes a KeyObject.
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: Error | null, key?: never) => void) => {
        const key = keyOf(token, keys);
        if (key) done(null, key as never);
        else done(new Error('unknown key or token type'));
      },
    });
  }

  validate({ sub, sid, role, ver, exp }: Claims): Principal {
    return { userId: sub, sessionId: sid, role, version: ver, expiresAt: exp };
  }
}

function keyOf(token: string, keys: ReadonlyMap<string, KeyObject>): KeyObject | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as {
      kid?: unknown;
      typ?: unknown;
    };
    return header.typ === ACCESS_TOKEN_TYPE && typeof header.kid === 'string' ? keys.get(header.kid) : undefined;
  } catch {
    return undefined;
  }
}
