import {
  applyDecorators,
  Injectable,
  Logger,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { StoreUnavailable } from '../errors/core.errors.js';
import { contentTag } from '../http/conditional.js';
import '../http/request.js';
import { Clock } from '../time/clock.js';
import { CacheMetrics, type CacheResult } from './cache-metrics.js';
import { CacheTurns, type EndTurn } from './cache-turns.js';
import { CACHED_READ, type CacheEntry, type CachedRead } from './cached.js';
import { CacheStore, type StoredAnswer } from './cache.store.js';
import { FreshLoads } from './fresh-loads.js';
import { Perishable } from './perishable.js';
import { isFresh, replyWith } from './stored-answer.js';

/** Milliseconds: longer than a request can take, so that a turn outlasts who took it. */
const TURN_MS = 5000;
const OTHERS_MS = 1000;
const LOOK_MS = 50;

interface Found {
  readonly generation?: string;
  readonly answer?: StoredAnswer;
}

/**
 * Serves routes marked with `@Cached`. A hit is ready bytes with their `ETag`; a miss is computed once however many
 * ask, and stored under the generation that was read before the computation began: a slow load that overlaps a write
 * stores its result where nobody looks, instead of bringing old data back.
 */
@Injectable()
export class CacheInterceptor implements NestInterceptor {
  private readonly logger = new Logger(CacheInterceptor.name);
  private readonly inFlight = new Map<string, Promise<StoredAnswer>>();

  constructor(
    private readonly reflector: Reflector,
    private readonly store: CacheStore,
    private readonly turns: CacheTurns,
    private readonly clock: Clock,
    private readonly metrics: CacheMetrics,
    private readonly fresh: FreshLoads<StoredAnswer>,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const read = this.reflector.get<CachedRead>(CACHED_READ, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const entry = read(request.principal!.userId, request.query as Record<string, unknown>);
    // What is not worth keeping is answered in the same form: bytes with their tag.
    if (!entry) return of(replyWith(reply, (await compute(reply, next)).answer));
    const found = await this.settle(entry, request.cached ?? (await this.lookUp(entry)));
    const { generation, answer, endTurn } = found;
    this.metrics.count(entry, this.resultOf(found));
    reply.header('cache-status', answer ? 'taskflow; hit' : 'taskflow; fwd=miss');
    try {
      return of(replyWith(reply, answer ?? (await this.fill(entry, generation, reply, next))));
    } finally {
      await endTurn?.();
    }
  }

  /** A cache that fails is a cache that has nothing. */
  private async lookUp(entry: CacheEntry): Promise<Found> {
    try {
      return await this.store.read(entry.owner, entry.name);
    } catch (error) {
      this.report('read', error);
      return {};
    }
  }

  /**
   * What to answer with when an answer may be old: whoever has the turn computes the next one; the others serve the last
   * one, or wait for the first.
   */
  private async settle(entry: CacheEntry, found: Found): Promise<Found & { endTurn?: EndTurn }> {
    if (found.generation === undefined || this.isFresh(found)) return found;
    // A store counts the life of an answer from when it got it, which is later than when the answer was made.
    if (entry.staleSeconds === undefined) return { generation: found.generation };
    const endTurn = await this.turns.take(entry, TURN_MS);
    if (!endTurn) return found.answer ? found : this.awaitOthers(entry);
    // Somebody may have had the turn, and ended it, since the first look.
    const again = await this.lookUp(entry);
    if (!this.isFresh(again)) return { generation: again.generation, endTurn };
    await endTurn();
    return again;
  }

  /** The first answer by another process; without one in time this process computes it too. */
  private async awaitOthers(entry: CacheEntry): Promise<Found> {
    const endMs = performance.now() + OTHERS_MS;
    for (;;) {
      await delay(LOOK_MS);
      const found = await this.lookUp(entry);
      if (found.answer || performance.now() >= endMs) return found;
    }
  }

  private resultOf(found: Found): CacheResult {
    if (found.answer) return this.isFresh(found) ? 'hit' : 'stale';
    return found.generation === undefined ? 'bypass' : 'miss';
  }

  private isFresh({ answer }: Found): boolean {
    return answer !== undefined && isFresh(answer, this.clock.now());
  }

  private fill(
    entry: CacheEntry,
    generation: string | undefined,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<StoredAnswer> {
    // Without a generation nothing tells a load that began before a write from one that began after it.
    if (generation === undefined) {
      return this.fresh.get(`${entry.owner}:${entry.name}`, () => this.load(entry, generation, reply, next));
    }
    const key = `${entry.owner}:${generation}:${entry.name}`;
    const running = this.inFlight.get(key);
    if (running) return running;
    const load = this.load(entry, generation, reply, next).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, load);
    return load;
  }

  private async load(
    entry: CacheEntry,
    generation: string | undefined,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<StoredAnswer> {
    const { answer, until } = await compute(reply, next);
    const nowMs = this.clock.now().getTime();
    const ttlMs = Math.ceil(Math.min(jittered(entry.ttlSeconds), until ? until.getTime() - nowMs : Infinity));
    if (generation === undefined || ttlMs <= 0) return answer;
    const kept = { ...answer, freshUntilMs: nowMs + ttlMs };
    await this.keep(entry, generation, kept, ttlMs + (entry.staleSeconds ?? 0) * 1000);
    return answer;
  }

  private async keep(entry: CacheEntry, generation: string, answer: StoredAnswer, ttlMs: number): Promise<void> {
    try {
      await this.store.write(entry.owner, generation, entry.name, answer, ttlMs);
    } catch (error) {
      this.report('write', error);
    }
  }

  /** That a store is away, the store says once itself. */
  private report(what: string, error: unknown): void {
    if (!(error instanceof StoreUnavailable)) this.logger.warn(`cache ${what} failed: ${(error as Error).message}`);
  }
}

/** The answer as bytes, and until when it is right. */
async function compute(reply: FastifyReply, next: CallHandler): Promise<{ answer: StoredAnswer; until?: Date }> {
  const result: unknown = await lastValueFrom(next.handle());
  const { value, until } =
    result instanceof Perishable ? (result as Perishable<unknown>) : new Perishable(result, undefined);
  const body = JSON.stringify(value);
  return { answer: { body, etag: contentTag(body), link: reply.getHeader('link') as string | undefined }, until };
}

/** Up to a tenth shorter, so that entries made together do not end together. Milliseconds. */
const jittered = (ttlSeconds: number): number => ttlSeconds * (1000 - randomInt(100));

/**
 * On a `GET` route that has the limit all routes have: the answer is served from, and stored in, the entry that `read`
 * names for the signed-in user. The interceptor finds it as metadata, and what answers hits in the route's configuration.
 * It stands below what else intercepts: what other interceptors add to the answer belongs to what is stored.
 */
export const Cached = (read: CachedRead): MethodDecorator =>
  applyDecorators(UseInterceptors(CacheInterceptor), SetMetadata(CACHED_READ, read), RouteConfig({ cachedRead: read }));
