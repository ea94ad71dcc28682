import type { FastifyReply, FastifyRequest } from 'fastify';
import { isNotModified } from '../http/conditional.js';
import type { StoredAnswer } from './cache.store.js';

/** Whether an answer may still be served without anybody computing the next one. */
export const isFresh = ({ freshUntilMs = Infinity }: StoredAnswer, now: Date): boolean => freshUntilMs > now.getTime();

/**
 * Puts what belongs to a stored answer on the reply.
 * @returns what to send: its bytes, or nothing where the client has them
 * @throws RequestMalformed when `If-None-Match` is no list of tags
 */
export function replyWith(request: FastifyRequest, reply: FastifyReply, answer: StoredAnswer): string | undefined {
  reply.header('etag', answer.etag);
  if (answer.link) reply.header('link', answer.link);
  if (isNotModified(request, answer.etag)) {
    reply.status(304);
    return undefined;
  }
  reply.header('content-type', 'application/json; charset=utf-8');
  return answer.body;
}
