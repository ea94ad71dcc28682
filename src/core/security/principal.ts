import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import '../http/request.js';

export type Role = 'user' | 'admin';

/** Who is asking: the verified claims of an access token. */
export interface Principal {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
  /** The user's version when the token was issued; a token older than a role change or logout-all is refused by it. */
  readonly version: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

/** `@CurrentUser() user: Principal` on a route that is not public. */
export const CurrentUser = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('@CurrentUser() stands on a route that lets strangers in');
  return principal;
});
