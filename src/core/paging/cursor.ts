import { Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { CursorInvalid } from '../errors/core.errors.js';

const MAC_BYTES = 16;

/**
 * Signs the position of a keyset page. The binding (user, filters, order) goes into the signature and not into the
 * cursor: a cursor presented with another binding is as wrong as a forged one.
 */
@Injectable()
export class CursorCodec {
  private readonly key: Buffer;

  constructor(config: AppConfig) {
    this.key = createHmac('sha256', config.secretKey).update('cursor').digest();
  }

  encode(binding: readonly unknown[], position: unknown): string {
    const body = Buffer.from(JSON.stringify(position));
    return Buffer.concat([this.mac(binding, body), body]).toString('base64url');
  }

  /** @throws CursorInvalid */
  decode(binding: readonly unknown[], cursor: string): unknown {
    const bytes = Buffer.from(cursor, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    const mac = bytes.subarray(0, MAC_BYTES);
    // Re-encoding catches what the lenient decoder of base64url skips.
    if (bytes.toString('base64url') !== cursor || mac.length < MAC_BYTES) throw new CursorInvalid();
    if (!timingSafeEqual(mac, this.mac(binding, body))) throw new CursorInvalid();
    return JSON.parse(body.toString()) as unknown;
  }

  private mac(binding: readonly unknown[], body: Buffer): Buffer {
    const bound = JSON.stringify(binding);
    return createHmac('sha256', this.key)
      .update(`${bound.length}:${bound}`)
      .update(body)
      .digest()
      .subarray(0, MAC_BYTES);
  }
}
