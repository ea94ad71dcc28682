import { Inject, Injectable } from '@nestjs/common';
import { getOptionsToken } from '@nestjs/throttler';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { CacheMetrics } from '../cache/cache-metrics.js';
import { CacheStore } from '../cache/cache.store.js';
import type { CachedRead } from '../cache/cached.js';
import { isFresh, replyWith } from '../cache/stored-answer.js';
import { AccessTokens, bearerToken } from '../security/access-tokens.js';
import { Revocations } from '../security/revocations.js';
import { Clock } from '../time/clock.js';
import { Admissions, type LimitRule } from './admissions.js';

/**
 * Answers from the cache before Nest is asked: for whoever comes with a token that was seen before, a hit is one look
 * at the gate and ready bytes. Anything else goes on to the guards and the interceptor, which find on the request what
 * was learned here; so a request is counted once and the cache asked once.
 */
@Injectable()
export class CachedHits {
  private readonly rule: LimitRule;

  constructor(
    @Inject(getOptionsToken()) [{ name, limit, ttl }]: [{ name: string; limit: number; ttl: number }],
    private readonly admissions: Admissions,
    private readonly store: CacheStore,
    private readonly tokens: AccessTokens,
    private readonly revocations: Revocations,
    private readonly clock: Clock,
    private readonly metrics: CacheMetrics,
  ) {
    this.rule = { name, limit, windowSeconds: ttl / 1000 };
  }

  /** For the routes with `@Cached`, before they are added. */
  register(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      const read = route.config?.cachedRead;
      if (!read) return;
      const serve = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void =>
        this.serve(read, request, reply, done);
      route.onRequest = [route.onRequest ?? [], serve].flat();
    });
  }

  /** Goes on when it has no answer. As few promises as possible: every hit pays for them. */
  private serve(read: CachedRead, request: FastifyRequest, reply: FastifyReply, goOn: HookHandlerDoneFunction): void {
    const token = bearerToken(request);
    const principal = token === undefined ? undefined : this.tokens.recall(token);
    // Before the list of ended sessions was read once, no token can be believed.
    if (!principal || !this.revocations.isLoaded) return goOn();
    const entry = read(principal.userId, request.query as Record<string, unknown>);
    // What belongs to others, such as all admins, wants a look at the role first.
    if (entry?.owner !== principal.userId) return goOn();
    request.principal = principal;
    const answerFrom = (cached: NonNullable<FastifyRequest['cached']>): void => {
      request.cached = cached;
      const { answer } = cached;
      if (!answer || !isFresh(answer, this.clock.now())) return goOn();
      this.metrics.count(entry, 'hit');
      reply.header('cache-status', 'taskflow; hit').send(replyWith(reply, answer));
    };
    this.admissions
      .admit(request, reply, this.rule, entry)
      .then(({ allowed }) => {
        if (!allowed || !request.principal) return goOn();
        if (request.cached) return answerFrom(request.cached);
        return this.store.read(entry.owner, entry.name).then(answerFrom);
      })
      .catch(goOn);
  }
}
