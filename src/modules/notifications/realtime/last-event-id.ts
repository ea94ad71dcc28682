import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RequestMalformed } from '../../../core/errors/core.errors.js';
import { documentsHeader } from '../../../core/http/conditional.js';

/** A place in the sequence of an owner: a whole number that JavaScript has exactly. */
export const POSITION = /^\d{1,15}$/;

/** `@LastEventId() id: string | undefined`, else 400. An empty one is none, as it is for a browser. */
export const LastEventId = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const header = context.switchToHttp().getRequest<FastifyRequest>().headers['last-event-id'];
    if (header === undefined || header === '') return undefined;
    if (typeof header !== 'string' || !POSITION.test(header)) {
      throw new RequestMalformed({ detail: 'Last-Event-ID is not the id of an event.' });
    }
    return header;
  },
  [documentsHeader('Last-Event-ID', 'The `id` you saw last: what happened since comes first (24 h).')],
);
