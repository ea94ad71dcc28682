import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that has more time than others. */
    timeLimitMs?: number;
  }
}

/** Nobody waits any longer for the answer to this request. */
export class TimeLimitReached extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/**
 * A frozen database answers nothing, not even a refusal: the client gets its 503 all the same, and what the handler says
 * later is dropped. Fastify's own limit begins earlier, with an `AbortSignal` for each request, which costs a hit in the
 * cache 2 µs; that one waits for Redis only, which has a limit of its own.
 */
export function limitTime(fastify: FastifyInstance, ms: number): void {
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    const limitMs = request.routeOptions.config.timeLimitMs ?? ms;
    const timer = setTimeout(() => {
      if (reply.sent) return;
      if (reply.raw.headersSent) reply.raw.destroy();
      else void reply.send(new TimeLimitReached(limitMs));
    }, limitMs);
    reply.raw.on('close', () => clearTimeout(timer));
    done();
  });
}
