import {
  createStackParser,
  createTransport,
  Scope,
  type BaseTransportOptions,
  type ErrorEvent,
  type TransportRequestExecutor,
} from '@sentry/core';
import { nodeStackLineParser, ServerRuntimeClient } from '@sentry/core/server';
import type { FastifyInstance } from 'fastify';
import type { AppConfig } from '../../config/config.js';
import { onUnexpected, type UnexpectedError } from '../errors/unexpected-error.js';
import { redact } from '../logging/redact.js';

const SEND_TIMEOUT_MS = 2000;
/** What is still on its way at the end has this long. */
const STOP_MS = 2000;

/**
 * Reports bugs and crashes to Sentry: the error, its stack, and which request, trace, route and release it was. Nothing
 * is collected beside that: no bodies, header fields, addresses, users or breadcrumbs. Loaded only when there is a DSN.
 */
export function reportToSentry(fastify: FastifyInstance, config: AppConfig): void {
  const { release, production, sentryDsn } = config;
  const client = new ServerRuntimeClient({
    dsn: sentryDsn,
    release: `taskflow@${release.version}${release.commit ? `+${release.commit}` : ''}`,
    environment: production ? 'production' : 'development',
    platform: 'node',
    runtime: { name: 'node', version: process.version },
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options: BaseTransportOptions) => createTransport(options, sender(options)),
    sendClientReports: false,
    beforeSend: (event: ErrorEvent) => withoutSecrets(event),
  });
  client.init();
  const stop = onUnexpected((bug) => void client.captureException(bug.error, undefined, scopeOf(bug)));
  fastify.addHook('onClose', async () => {
    stop();
    await client.close(STOP_MS);
  });
}

/** What ties a report to the log, the trace and the route. */
function scopeOf({ requestId, traceId, method, route }: UnexpectedError): Scope {
  const scope = new Scope();
  if (route) scope.setTransactionName(`${method} ${route}`);
  scope.setTags({ request_id: requestId, trace_id: traceId, route });
  return scope;
}

/** Messages repeat what was stored or sent. */
function withoutSecrets(event: ErrorEvent): ErrorEvent {
  for (const exception of event.exception?.values ?? []) {
    if (exception.value) exception.value = redact(exception.value) as string;
  }
  return event;
}

function sender({ url, headers }: BaseTransportOptions): TransportRequestExecutor {
  return async ({ body }) => {
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
    const answer = await fetch(url, { method: 'POST', body, headers, signal });
    await answer.body?.cancel();
    return {
      statusCode: answer.status,
      headers: {
        'x-sentry-rate-limits': answer.headers.get('x-sentry-rate-limits'),
        'retry-after': answer.headers.get('retry-after'),
      },
    };
  };
}
