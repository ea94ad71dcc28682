import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries. */
export interface RequestContext {
  readonly requestId: string;
  /** 32 hexadecimal digits from `traceparent` (W3C trace context), when the caller sent one. */
  readonly traceId?: string;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** The trace id of a well-formed `traceparent` header, else undefined. */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const traceId = /^(?!ff)[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}(?:-.*)?$/.exec(traceparent)?.[1];
  return traceId && !/^0+$/.test(traceId) ? traceId : undefined;
}
