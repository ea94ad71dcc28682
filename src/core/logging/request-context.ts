import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries. */
export interface RequestContext {
  readonly requestId: string;
  /** 32 hexadecimal digits from `traceparent` (W3C trace context), when the caller sent one. */
  readonly traceId?: string;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Neither id may be all zeros; only later versions may have more parts. */
const TRACEPARENT = /^(?!ff|00.{53}-)[\da-f]{2}-(?!0+-)([\da-f]{32})-(?!0+-)[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

/** The trace id of a well-formed `traceparent` header, else undefined. */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  return TRACEPARENT.exec(traceparent)?.[1];
}
