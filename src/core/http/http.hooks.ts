import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AppConfig } from '../../config/config.js';
import { createAccessLog, type AccessLine } from '../logging/access-log.js';
import { requestContext, traceIdOf } from '../logging/request-context.js';
import type { HttpMetrics } from '../metrics/http-metrics.js';
import { isProbe } from './probes.js';
import './request.js';
import { securityHeadersOfAnswers, securityHeadersOfPages } from './security-headers.js';

const SANE_REQUEST_ID = /^[\w.-]{1,128}$/;
/** Where pages are; everything else answers with data. */
const DOCS = '/api/docs';
/** In logs and metrics, where nobody waited for the answer. As nginx has it; it is never sent. */
const CLIENT_GONE = 499;

/** The caller's `X-Request-Id` where it is sane, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
}

/**
 * Cross-cutting work that needs nothing from Nest, as Fastify hooks, because an interceptor costs an observable per
 * request: request id and log context, cache defaults, one log line and one measurement per request.
 */
export function registerHttpHooks(
  fastify: FastifyInstance,
  metrics: HttpMetrics,
  config: Pick<AppConfig, 'metrics' | 'logLevel' | 'logFormat' | 'production'>,
): void {
  const isMeasured = config.metrics;
  const log = createAccessLog(config);
  // Answers are for the one who asked unless a route says otherwise.
  const caching = { 'cache-control': 'private, no-cache' };
  const pageHeaders = { ...securityHeadersOfPages(config.production), ...caching };
  const answerHeaders = { ...securityHeadersOfAnswers(), ...caching };
  const conclude = (request: FastifyRequest, reply: FastifyReply): void => {
    const { isStream } = request;
    const status = reply.raw.writableFinished || isStream ? reply.statusCode : CLIENT_GONE;
    const seconds = (performance.now() - request.beganMs) / 1000;
    const route = request.routeOptions.url ?? 'unmatched';
    if (isMeasured && !isStream) metrics.end(request.method, route, status, seconds);
    if (log && !isProbe(route)) log(accessLine(request, status, seconds));
  };
  // How long a client stays says nothing about how fast this server is.
  fastify.decorateReply('streamBegins', function (this: FastifyReply) {
    this.request.isStream = true;
    this.request.leave?.();
    const { method, routeOptions, beganMs } = this.request;
    if (isMeasured) metrics.end(method, routeOptions.url!, this.statusCode, (performance.now() - beganMs) / 1000);
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    request.beganMs = performance.now();
    reply.header('x-request-id', request.id).headers(request.url.startsWith(DOCS) ? pageHeaders : answerHeaders);
    request.traceId = traceIdOf(request.headers.traceparent);
    if (isMeasured) metrics.begin();
    // Fastify has no hook for the end of a request whose client has gone.
    if (isMeasured || log) reply.raw.on('close', () => conclude(request, reply));
    done();
  });
  // Not before: a hit in the cache is answered without it.
  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    if (requestContext.getStore()) return done();
    return requestContext.run({ requestId: request.id, traceId: request.traceId }, done);
  });
}

/** A server that listens no more serves on, and each answer ends its connection: clients and proxies go elsewhere. */
export function endConnectionsAfterListening(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (!fastify.server.listening) reply.header('connection', 'close');
    done(null, payload);
  });
}

function accessLine(request: FastifyRequest, status: number, seconds: number): AccessLine {
  return {
    method: request.method,
    path: request.url.split('?', 1)[0]!,
    status,
    durationMs: Math.round(seconds * 10_000) / 10,
    ip: request.ip,
    userId: request.principal?.userId,
    // Said here because a time limit or a lost client ends a request outside its context.
    requestId: request.id,
    traceId: request.traceId,
    problem: request.problem,
  };
}
