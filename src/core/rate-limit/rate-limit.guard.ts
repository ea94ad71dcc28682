import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  getOptionsToken,
  getStorageToken,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CACHED_READ, type CachedRead, type CacheEntry } from '../cache/cached.js';
import { RateLimited } from '../errors/core.errors.js';
import '../http/request.js';
import { Admissions } from '../request-gate/admissions.js';
import { RateLimitMetrics } from './rate-limit-metrics.js';

/**
 * The limits of @nestjs/throttler (`@Throttle`, `@SkipThrottle`) on our own store: one key a user, or an address for
 * whoever is not signed in, over all routes, and the header fields of the IETF draft. Runs after the token was looked
 * at and before anybody is refused for lack of one, so that bad tokens are limited too.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @Inject(getOptionsToken()) options: ThrottlerModuleOptions,
    @Inject(getStorageToken()) storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly admissions: Admissions,
    private readonly metrics: RateLimitMetrics,
  ) {
    super(options, storage, reflector);
  }

  protected override async handleRequest({ context, limit, ttl, throttler }: ThrottlerRequest): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const name = throttler.name ?? 'default';
    const { allowed, resetSeconds } =
      request.admission ??
      (await this.admissions.admit(
        request,
        reply,
        { name, limit, windowSeconds: ttl / 1000 },
        this.cacheEntryOf(context, request),
      ));
    if (!allowed) {
      this.metrics.refused(name);
      throw new RateLimited({ retryAfterSeconds: resetSeconds });
    }
    return true;
  }

  private cacheEntryOf(context: ExecutionContext, { principal, query }: FastifyRequest): CacheEntry | undefined {
    const read = this.reflector.get<CachedRead | undefined>(CACHED_READ, context.getHandler());
    return principal && read?.(principal.userId, query as Record<string, unknown>);
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(context.getType() !== 'http');
  }
}
