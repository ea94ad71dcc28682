import type { FastifyRequest } from 'fastify';
import type { Device } from './session.store.js';

const MAX_USER_AGENT_LENGTH = 300;

/** What a person sees of a session's device in their list. */
export function deviceOf(request: FastifyRequest): Device {
  return {
    ip: request.ip.replace(/^::ffff:(?=\d+\.)/i, ''),
    userAgent: (request.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT_LENGTH),
  };
}
