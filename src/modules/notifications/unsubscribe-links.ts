import { Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { KINDS, type Kind } from './notification.js';

const FORM = /^([\da-f]{24})\.(\w+)\.[\w-]{43}$/;

/** Links by which whoever has a mail can end mails of its kind, without signing in. They are good for ever. */
@Injectable()
export class UnsubscribeLinks {
  private readonly key: Buffer;
  private readonly base: string;

  constructor({ secretKey, publicUrl }: AppConfig) {
    this.key = createHmac('sha256', secretKey).update('unsubscribe').digest();
    this.base = `${publicUrl}/api/v1/notifications/unsubscribe`;
  }

  urlFor(owner: string, kind: Kind): string {
    return `${this.base}?token=${this.tokenFor(owner, kind)}`;
  }

  /** Undefined for what is no such token. */
  read(token: string): { readonly owner: string; readonly kind: Kind } | undefined {
    const [, owner = '', name] = FORM.exec(token) ?? [];
    const kind = KINDS.find((one) => one === name);
    if (!kind || !timingSafeEqual(Buffer.from(token), Buffer.from(this.tokenFor(owner, kind)))) return undefined;
    return { owner, kind };
  }

  private tokenFor(owner: string, kind: Kind): string {
    return `${owner}.${kind}.${createHmac('sha256', this.key).update(`${owner}:${kind}`).digest('base64url')}`;
  }
}
