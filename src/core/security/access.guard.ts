import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { RoleRequired, StoreUnavailable, TokenInvalid, TokenMissing } from '../errors/core.errors.js';
import '../http/request.js';
import { PUBLIC, ROLE } from './access.js';
import type { Role } from './principal.js';
import { Revocations } from './revocations.js';

/** Closed by default: a route without `@Public()` wants a signed-in user, one with `@RequireRole()` the role too. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly revocations: Revocations,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, targets)) return true;
    const { principal, tokenRejected } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!principal) throw tokenRejected ? new TokenInvalid() : new TokenMissing();
    // Before the list of ended sessions was read once, no token can be believed.
    if (!this.revocations.isLoaded) throw new StoreUnavailable();
    const role = this.reflector.getAllAndOverride<Role | undefined>(ROLE, targets);
    if (role && principal.role !== role) throw new RoleRequired();
    return true;
  }
}
