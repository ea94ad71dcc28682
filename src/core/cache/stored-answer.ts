import type { FastifyReply } from 'fastify';
import type { StoredAnswer } from './cache.store.js';

/** Whether an answer may still be served without anybody computing the next one. */
export const isFresh = ({ freshUntilMs = Infinity }: StoredAnswer, now: Date): boolean => freshUntilMs > now.getTime();

/**
 * Puts what belongs to a stored answer on the reply. Whether the client has it already is decided when it is sent.
 * @returns what to send: its bytes
 */
export function replyWith(reply: FastifyReply, answer: StoredAnswer): string {
  reply.header('etag', answer.etag).header('content-type', 'application/json; charset=utf-8');
  if (answer.link) reply.header('link', answer.link);
  return answer.body;
}
