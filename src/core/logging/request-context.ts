import type { Span } from '@opentelemetry/api';
import { AsyncLocalStorage } from 'node:async_hooks';

/** Which request the present work is for: every log line of it carries the ids. */
export interface RequestContext {
  readonly requestId: string;
  /** 32 hexadecimal digits (W3C trace context): of the caller's `traceparent`, or of the trace that is recorded. */
  readonly traceId?: string;
  /** Under which calls to stores are recorded, if this request is. */
  readonly span?: Span;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Neither id may be all zeros; only later versions may have more parts. */
const TRACEPARENT = /^(?!ff|00.{53}-)[\da-f]{2}-(?!0+-)([\da-f]{32})-(?!0+-)[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

/** The trace id of a well-formed `traceparent` header, else undefined. */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  return TRACEPARENT.exec(traceparent)?.[1];
}
