import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomInt } from 'node:crypto';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { AppConfig } from '../../config/config.js';
import { StoreUnavailable } from '../errors/core.errors.js';
import { contentTag, isNotModified } from '../http/conditional.js';
import '../http/request.js';
import { Metrics } from '../metrics/http-metrics.js';
import { Clock } from '../time/clock.js';
import { CACHED_READ, type CacheEntry, type CachedRead } from './cached.js';
import { CacheStore, type StoredAnswer } from './cache.store.js';
import { FreshLoads } from './fresh-loads.js';
import { Perishable } from './perishable.js';

/**
 * Serves routes marked with `@Cached`. A hit is ready bytes with their `ETag`; a miss is computed once however many
 * ask, and stored under the generation that was read before the computation began: a slow load that overlaps a write
 * stores its result where nobody looks, instead of bringing old data back.
 */
@Injectable()
export class CacheInterceptor implements NestInterceptor {
  private readonly logger = new Logger(CacheInterceptor.name);
  private readonly inFlight = new Map<string, Promise<StoredAnswer>>();
  private readonly fresh: FreshLoads<StoredAnswer>;
  private readonly reads;

  constructor(
    private readonly reflector: Reflector,
    private readonly store: CacheStore,
    private readonly clock: Clock,
    metrics: Metrics,
    config: AppConfig,
  ) {
    this.fresh = new FreshLoads(config.mongo.maxPoolSize);
    this.reads = metrics.counter('cache_reads_total', 'Cached reads by result', ['result']);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const read = this.reflector.get<CachedRead | undefined>(CACHED_READ, context.getHandler());
    if (!read) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const entry = read(request.principal!.userId, request.query as Record<string, unknown>);
    // What is not worth keeping is answered in the same form: bytes with their tag.
    if (!entry) return of(send(request, reply, (await compute(reply, next)).answer));
    const { generation, answer } = request.cached ?? (await this.lookUp(entry));
    this.reads.inc({ result: answer ? 'hit' : 'miss' });
    reply.header('cache-status', answer ? 'taskflow; hit' : 'taskflow; fwd=miss');
    return of(send(request, reply, answer ?? (await this.fill(entry, generation, reply, next))));
  }

  /** A cache that fails is a cache that has nothing. */
  private async lookUp(entry: CacheEntry): Promise<{ generation?: string; answer?: StoredAnswer }> {
    try {
      return await this.store.read(entry.owner, entry.name);
    } catch (error) {
      this.report('read', error);
      return {};
    }
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
    const ttlMs = Math.min(jittered(entry.ttlSeconds), until ? until.getTime() - this.clock.now().getTime() : Infinity);
    if (generation !== undefined && ttlMs > 0) await this.keep(entry, generation, answer, ttlMs);
    return answer;
  }

  private async keep(entry: CacheEntry, generation: string, answer: StoredAnswer, ttlMs: number): Promise<void> {
    try {
      await this.store.write(entry.owner, generation, entry.name, answer, Math.ceil(ttlMs));
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

function send(request: FastifyRequest, reply: FastifyReply, answer: StoredAnswer): string | undefined {
  reply.header('etag', answer.etag);
  if (answer.link) reply.header('link', answer.link);
  if (isNotModified(request, answer.etag)) {
    reply.status(304);
    return undefined;
  }
  reply.type('application/json; charset=utf-8');
  return answer.body;
}
