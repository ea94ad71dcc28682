import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { RateLimited } from '../../core/errors/core.errors.js';
import { clientKey } from '../../core/rate-limit/client-key.js';
import { DurableRateLimitRepository } from '../../core/rate-limit/durable-rate-limit.repository.js';
import { RateLimitMetrics } from '../../core/rate-limit/rate-limit-metrics.js';
import type { RateLimit, RateLimitResult } from '../../core/rate-limit/rate-limit.store.js';
import { OneTimeTokens } from '../../core/security/one-time-tokens.js';
import { emailKey, UsersService, type MailedTokenPurpose } from '../users/index.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Sessions } from './sessions.service.js';

const WINDOW_SECONDS = 15 * 60;

/**
 * How often a password may be tried: n times per e-mail and address, 5n per address, 10n per e-mail. When strangers
 * have used up the last one, whoever holds a session of that account, or a token that was mailed to it, still has n tries
 * of its own.
 */
@Injectable()
export class LoginBudget {
  constructor(
    private readonly config: AppConfig,
    private readonly limits: DurableRateLimitRepository,
    private readonly users: UsersService,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly cookie: RefreshCookie,
    private readonly metrics: RateLimitMetrics,
  ) {}

  /**
   * A stranger's attempt; a refresh cookie of the account makes it a known client's.
   * @throws RateLimited
   */
  async spend(email: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.take(email, request, reply, () => this.knownSession(email, request));
  }

  /** An attempt of somebody signed in. @throws RateLimited; TokenInvalid when the account is gone */
  async spendSignedIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { userId, sessionId } = request.principal!;
    const { email } = await this.users.profile(userId);
    await this.take(email, request, reply, () => Promise.resolve(sessionId));
  }

  /**
   * An attempt with a token that was mailed. A genuine one counts for its account and knows it as well as a session of it
   * does; any other is an attempt of its address.
   * @throws RateLimited
   */
  async spendForToken(
    purpose: MailedTokenPurpose,
    token: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const presented = this.tokens.read(purpose, token);
    const user = presented && (await this.users.findById(presented.userId));
    await this.take(user?.email ?? token, request, reply, () => Promise.resolve(presented?.hash));
  }

  private async take(
    email: string,
    request: FastifyRequest,
    reply: FastifyReply,
    sessionOf: () => Promise<string | undefined>,
  ): Promise<void> {
    const n = this.config.loginRateLimitPer15Min;
    // Keys have one length, and show no address to whoever looks into the store.
    const account = createHash('sha256').update(emailKey(email)).digest('base64url');
    const address = clientKey(request.ip);
    const limits = [
      budget(`login:pair:${account}:${address}`, n),
      budget(`login:address:${address}`, 5 * n),
      budget(`login:account:${account}`, 10 * n),
    ];
    let results = await this.limits.consume(limits);
    const accountExhausted = results[2]?.allowed === false;
    const sessionId = accountExhausted ? await sessionOf() : undefined;
    if (sessionId !== undefined) results = await this.limits.consume([budget(`login:session:${sessionId}`, n)]);
    if (results.some(({ allowed }) => !allowed)) this.metrics.refused('login');
    announce(reply, n, results);
  }

  private async knownSession(email: string, request: FastifyRequest): Promise<string | undefined> {
    const presented = this.cookie.read(request);
    const holder = presented === undefined ? undefined : await this.sessions.holderOf(presented);
    const user = holder && (await this.users.findById(holder.userId));
    return user && emailKey(user.email) === emailKey(email) ? holder.sessionId : undefined;
  }
}

const budget = (key: string, limit: number): RateLimit => ({ key, limit, windowSeconds: WINDOW_SECONDS });

/** Adds the budget to the header fields of the general limit. @throws RateLimited */
function announce(reply: FastifyReply, n: number, results: readonly RateLimitResult[]): void {
  const refused = results.filter(({ allowed }) => !allowed);
  const resetSeconds = Math.max(
    ...(refused.length > 0 ? refused : results.slice(0, 1)).map((result) => result.resetSeconds),
  );
  const remaining = Math.min(...results.map((result) => result.remaining));
  append(reply, 'ratelimit-policy', `"login";q=${n};w=${WINDOW_SECONDS}`);
  append(reply, 'ratelimit', `"login";r=${remaining};t=${resetSeconds}`);
  if (refused.length > 0) throw new RateLimited({ retryAfterSeconds: resetSeconds });
}

function append(reply: FastifyReply, name: string, field: string): void {
  const before = reply.getHeader(name);
  reply.header(name, before === undefined ? field : `${String(before)}, ${field}`);
}
