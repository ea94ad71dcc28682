import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import '../http/request.js';
import { AccessTokens, bearerToken } from './access-tokens.js';
import type { Principal } from './principal.js';

/**
 * Finds out who is asking, and refuses nobody: that is the access guard's work, after the rate limit has counted the
 * request. A token seen before is looked up; a new one goes through passport.
 */
@Injectable()
export class AuthenticationGuard extends AuthGuard('jwt') implements CanActivate {
  constructor(private readonly tokens: AccessTokens) {
    super({ session: false, property: 'passportUser' });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { passportUser?: Principal }>();
    // Whoever looked for a cached answer has found out already, and maybe that the token is over.
    if (request.admission) return true;
    const token = bearerToken(request);
    if (token === undefined) {
      request.tokenRejected = request.headers.authorization !== undefined;
      return true;
    }
    request.principal = this.tokens.recall(token) ?? (await this.verify(context, request, token));
    request.tokenRejected = request.principal === undefined;
    return true;
  }

  private async verify(
    context: ExecutionContext,
    request: FastifyRequest & { passportUser?: Principal },
    token: string,
  ): Promise<Principal | undefined> {
    await super.canActivate(context);
    const principal = request.passportUser;
    if (!principal || !this.tokens.isGood(principal)) return undefined;
    this.tokens.remember(token, principal);
    return principal;
  }

  /** Passport's verdict: an error or no user is a token that is not good. */
  override handleRequest<T>(error: unknown, user: T | false): T {
    return (error || !user ? undefined : user) as T;
  }
}
