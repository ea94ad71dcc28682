import type { StoredAnswer } from '../cache/cache.store.js';
import type { RateLimitResult } from '../rate-limit/rate-limit.store.js';
import type { Principal } from '../security/principal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** On the clock of `performance`. */
    beganMs: number;
    /** Set by the authentication guard when the request carries a good access token. */
    principal?: Principal;
    /** Why the token that came with the request is not good. */
    tokenRejected?: boolean;
    /** 32 hexadecimal digits: of the caller's `traceparent`, or of this request's own trace. */
    traceId?: string;
    /** The code of the problem this request was answered with, for its log line. */
    problem?: string;
    /** Its answer goes on as long as the client wants: it was measured when it began, and its end is no failure. */
    isStream?: boolean;
    /** Whether it waits for its turn or has it; absent where no load is counted. */
    load?: 'waits' | 'works' | 'left';
    /** It is under way no more, as far as load is concerned. */
    leave?: () => void;
    /** What the limit said, once this request was counted. */
    admission?: RateLimitResult;
    /** What the cache has for this request, if it was asked already. Without a generation it is away. */
    cached?: { readonly generation?: string; readonly answer?: StoredAnswer };
  }

  interface FastifyReply {
    /** To be called when the head of an answer that goes on was sent. */
    streamBegins(): void;
  }
}
