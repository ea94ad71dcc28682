import { VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyCookie from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppModule } from './app.module.js';
import type { AppConfig } from './config/config.js';
import { ProblemFilter } from './core/errors/problem.filter.js';
import { registerBodyParsers } from './core/http/body-parsers.js';
import { answerClientErrors } from './core/http/client-errors.js';
import { registerEntityTags } from './core/http/conditional.js';
import { BULK_BODY_LIMIT, LONGEST_REQUEST_MS } from './core/http/limits.js';
import { endConnectionsAfterListening, registerHttpHooks, requestIdOf } from './core/http/http.hooks.js';
import { shedLoad } from './core/http/load-shedding.js';
import { limitTime } from './core/http/time-limit.js';
import { createLogger } from './core/logging/logger.js';
import { HttpMetrics } from './core/metrics/http-metrics.js';
import { serveOpenApi } from './core/openapi/openapi.js';
import { CachedHits } from './core/request-gate/cached-hits.js';

/** What scripts of another origin may read beyond the few fields that they always may. */
const EXPOSED_HEADERS = [
  'Cache-Status',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
];

/** Where health, metrics and keys are; everything else is under `/api`. */
const UNPREFIXED = ['metrics', '.well-known/jwks.json'];

/**
 * The application as `main.ts` and the tests share it: everything but listening.
 * @param mongoUri `MONGODB_URI`, or the embedded server's address
 */
export async function createApp(config: AppConfig, mongoUri: string): Promise<NestFastifyApplication> {
  // Fastify knows undecodable URLs before Nest sees them, so they reach the filter by hand.
  const beforeNest: { problems?: ProblemFilter } = {};
  const adapter = new FastifyAdapter({
    trustProxy: trustedProxies(config),
    genReqId: requestIdOf,
    requestIdHeader: false,
    // What still arrives on an open connection is served: nobody would repeat a refused POST.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Longer than any proxy in front keeps it: whoever closes first may close on a request that is on its way.
    keepAliveTimeout: config.keepAliveSeconds * 1000,
    // Whoever sends a header or body byte by byte does not keep the connection longer than this.
    requestTimeout: LONGEST_REQUEST_MS,
    clientErrorHandler: answerClientErrors(config.publicUrl),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      beforeNest.problems?.answer(error, request, reply);
    },
    // An id of any shape is simply not there, so no shape is refused by the router; Node caps the whole header at 16 KiB.
    routerOptions: { maxParamLength: 16_384 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, mongoUri), adapter, {
    logger: createLogger(config),
    bodyParser: false,
    abortOnError: false,
  });
  const problems = app.get(ProblemFilter);
  beforeNest.problems = problems;
  const fastify = adapter.getInstance();
  // The bulk route is the only one with larger bodies and more time; Nest has no option for either.
  fastify.addHook('onRoute', (route) => {
    if (!route.url.endsWith('/tasks/bulk')) return;
    route.bodyLimit = BULK_BODY_LIMIT;
    route.config = { ...route.config, timeLimitMs: LONGEST_REQUEST_MS };
  });
  // The time in the line counts.
  limitTime(fastify, config.requestTimeoutMs);
  shedLoad(fastify, problems);
  registerHttpHooks(fastify, app.get(HttpMetrics), config);
  // Neither is loaded where it is not wanted.
  if (config.tracing) (await import('./core/tracing/tracing.js')).recordTraces(fastify, config);
  if (config.sentryDsn) (await import('./core/reports/sentry.js')).reportToSentry(fastify, config);
  app.get(CachedHits).register(fastify);
  endConnectionsAfterListening(fastify);
  registerBodyParsers(fastify);
  registerEntityTags(fastify);
  await app.register(fastifyCookie);
  if (config.corsOrigins.length > 0) app.enableCors(cors(config));
  app.setGlobalPrefix('api', { exclude: UNPREFIXED });
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
  if (config.role !== 'worker') serveOpenApi(app);
  return app;
}

/** Fastify refuses to believe anybody when it is given a number of hops, so hops are counted here. */
function trustedProxies({ trustProxy }: AppConfig): false | string[] | ((address: string, hop: number) => boolean) {
  if (typeof trustProxy === 'number') return (_address, hop) => hop < trustProxy;
  return trustProxy === false ? false : [...trustProxy];
}

function cors(config: AppConfig): Parameters<NestFastifyApplication['enableCors']>[0] {
  return {
    origin: [...config.corsOrigins],
    credentials: true,
    // The plugin's own default is what a form can send: browsers could not change or delete anything.
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    // Any other OPTIONS gets the same answer, instead of a refusal that is no problem document.
    strictPreflight: false,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
  };
}
