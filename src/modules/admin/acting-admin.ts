import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import '../../core/http/request.js';
import type { AdminActor } from '../users/index.js';

/** `@ActingAdmin() by: AdminActor`: who is asking, and from where. */
export const ActingAdmin = createParamDecorator((_data: unknown, context: ExecutionContext): AdminActor => {
  const { principal, ip } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('@ActingAdmin() stands on a route that lets strangers in');
  // An IPv4 client on a socket that listens for both families.
  return { id: principal.userId, ip: ip.replace(/^::ffff:(?=\d+\.)/i, '') };
});
