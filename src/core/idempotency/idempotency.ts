import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { defineError } from '../errors/domain-error.js';
import { documentsHeader } from '../http/conditional.js';
import { RequestMalformed } from '../errors/core.errors.js';

export const IdempotencyKeyReused = defineError(
  'idempotency.key_reused',
  'invalid',
  'The Idempotency-Key was used before with another request body.',
);

/** How long a key is remembered. */
export const IDEMPOTENCY_TTL_MS = 24 * 60 * 60 * 1000;

/** What a document remembers of the request that created it. */
export interface IdempotencyMark {
  readonly key: string;
  /** Tells a repeated request from another one under the same key. */
  readonly bodyHash: string;
  readonly at: Date;
}

/** `@IdempotencyKey() key: string | undefined`: 1–255 visible ASCII characters, else 400. */
export const IdempotencyKey = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const header = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
    if (header === undefined) return undefined;
    if (typeof header !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(header)) {
      throw new RequestMalformed({ detail: 'Idempotency-Key must have 1 to 255 visible characters.' });
    }
    return header;
  },
  [documentsHeader('Idempotency-Key', 'Any text of your choice: the same request again has no second effect (24 h).')],
);

/** SHA-256 of a JSON value, the same whatever the order of its keys. */
export function bodyHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) && !(item instanceof Date)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
