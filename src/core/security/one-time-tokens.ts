import { Injectable } from '@nestjs/common';
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../../config/config.js';

const FORM = /^([\da-f]{24})\.([\w-]{22})\.[\w-]{43}$/;

/** A token that was issued: nothing of it lets anybody make the token who does not have `SECRET_KEY`. */
export interface IssuedToken {
  /** For whoever sends the token: `tokenOf` derives it from this. */
  readonly id: string;
  /** Of the token, to be kept until it is used. */
  readonly hash: string;
}

/** What a genuine token says. Whether it is still good is for whoever keeps its hash to know. */
export interface PresentedToken {
  readonly userId: string;
  readonly hash: string;
}

/**
 * Tokens that somebody gets by mail and shows once: `<userId>.<random>.<HMAC-SHA256>`, the first two being the id. They
 * are derived when they are sent and not stored anywhere, so neither a document, an event nor a queue gives one away. A
 * purpose is part of the derivation: a token for one is worthless for another.
 */
@Injectable()
export class OneTimeTokens {
  private readonly key: Buffer;

  constructor({ secretKey }: AppConfig) {
    this.key = createHmac('sha256', secretKey).update('one-time tokens').digest();
  }

  issue(purpose: string, userId: string): IssuedToken {
    const id = `${userId}.${randomBytes(16).toString('base64url')}`;
    return { id, hash: hashOf(this.tokenOf(purpose, id)) };
  }

  tokenOf(purpose: string, id: string): string {
    return `${id}.${createHmac('sha256', this.key).update(`${purpose}:${id}`).digest('base64url')}`;
  }

  /** Undefined for what was not issued for this purpose; asks no store. */
  read(purpose: string, token: string): PresentedToken | undefined {
    const [, userId, random] = FORM.exec(token) ?? [];
    if (userId === undefined) return undefined;
    const genuine = this.tokenOf(purpose, `${userId}.${random}`);
    return timingSafeEqual(Buffer.from(token), Buffer.from(genuine)) ? { userId, hash: hashOf(token) } : undefined;
  }
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
