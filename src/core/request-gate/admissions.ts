import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CacheEntry } from '../cache/cached.js';
import '../http/request.js';
import { clientKey } from '../rate-limit/client-key.js';
import type { RateLimitResult } from '../rate-limit/rate-limit.store.js';
import { RequestGate } from './request-gate.js';

/** A limit of `@nestjs/throttler`, whose key is the signed-in user, or the address of whoever is not. */
export interface LimitRule {
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
}

/** Asks the gate for a request; what it said stands on the request and in the fields of its answer. */
@Injectable()
export class Admissions {
  constructor(private readonly gate: RequestGate) {}

  /** @param cacheEntry what the answer is cached as; then `request.cached` has what the cache knew, if it was asked */
  admit(
    request: FastifyRequest,
    reply: FastifyReply,
    { name, limit, windowSeconds }: LimitRule,
    cacheEntry?: CacheEntry,
  ): Promise<RateLimitResult> {
    const { principal } = request;
    const owner = principal?.userId;
    const key = owner === undefined ? `${name}:${clientKey(request.ip)}` : `${name}:user:${owner}`;
    const asked = this.gate.enter({ limit: { key, owner, limit, windowSeconds }, principal, cacheEntry });
    // One promise, where an async function would make two: every request pays for them.
    return asked.then((admission) => {
      if (admission.isRevoked) {
        request.principal = undefined;
        request.tokenRejected = true;
      }
      request.cached = admission.cached;
      request.admission = admission.limit;
      const { remaining, resetSeconds } = admission.limit;
      reply.header('ratelimit-policy', `"${name}";q=${limit};w=${windowSeconds}`);
      reply.header('ratelimit', `"${name}";r=${remaining};t=${resetSeconds}`);
      return admission.limit;
    });
  }
}
