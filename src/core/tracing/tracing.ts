import { Logger } from '@nestjs/common';
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppConfig } from '../../config/config.js';
import { isProbe } from '../http/probes.js';
import '../http/request.js';
import { requestContext } from '../logging/request-context.js';
import { recordStoreCalls } from './store-spans.js';

/** Spans: some 2 MB that wait for a collector; while it is away further ones are dropped. */
const MAX_WAITING = 2048;
const BATCH = 512;
const SEND_EVERY_MS = 2000;
const SEND_TIMEOUT_MS = 5000;
/** What is still waiting at the end has this long. */
const STOP_MS = 2000;
const COMPLAIN_EVERY_MS = 60_000;

/**
 * Records a span for each request and, below it, one for each call to MongoDB and Redis. Names and routes only: no
 * paths, queries, filters, documents or addresses, so that no trace has what a user sent. Loaded only when traces are
 * wanted; whatever goes wrong here is a line in the log and no request's matter.
 */
export function recordTraces(fastify: FastifyInstance, config: AppConfig): void {
  const provider = providerFor(config);
  const tracer = provider.getTracer('taskflow');
  const stopListening = recordStoreCalls(tracer);
  const propagator = new W3CTraceContextPropagator();
  complainSparingly();

  fastify.addHook('onRequest', (request, reply, done) => {
    if (isProbe(request.routeOptions.url)) return done();
    const caller = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
    const span = begin(tracer, request, caller);
    const { traceId } = span.spanContext();
    request.traceId = traceId;
    if (!span.isRecording()) return requestContext.run({ requestId: request.id, traceId }, done);
    reply.raw.on('close', () => conclude(span, reply));
    return requestContext.run({ requestId: request.id, traceId, span }, done);
  });
  fastify.addHook('onClose', async () => {
    stopListening();
    await Promise.race([provider.shutdown().catch(() => undefined), delay(STOP_MS, undefined, { ref: false })]);
  });
}

/** Everything is said here: what is left out, the SDK would look for in the environment. */
function providerFor({ tracing, release, production }: AppConfig): BasicTracerProvider {
  const { endpoint, serviceName, ratio } = tracing!;
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_TIMEOUT_MS });
  return new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': release.version,
      'deployment.environment.name': production ? 'production' : 'development',
      ...(release.commit ? { 'vcs.ref.head.revision': release.commit } : {}),
    }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: MAX_WAITING,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  });
}

function begin(tracer: Tracer, { method, routeOptions, id }: FastifyRequest, caller: typeof ROOT_CONTEXT): Span {
  const route = routeOptions.url;
  const attributes = { 'http.request.method': method, 'http.route': route, 'taskflow.request_id': id };
  return tracer.startSpan(route ? `${method} ${route}` : method, { kind: SpanKind.SERVER, attributes }, caller);
}

function conclude(span: Span, reply: FastifyReply): void {
  if (reply.raw.writableFinished || reply.request.isStream)
    span.setAttribute('http.response.status_code', reply.statusCode);
  else span.setAttribute('error.type', 'client gone');
  if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** A collector that is away fails every batch. */
function complainSparingly(): void {
  const logger = new Logger('Tracing');
  let lastMs = -Infinity;
  setGlobalErrorHandler((error) => {
    if (performance.now() - lastMs < COMPLAIN_EVERY_MS) return;
    lastMs = performance.now();
    logger.warn(`traces are not delivered: ${typeof error === 'string' ? error : error.message}`);
  });
}
