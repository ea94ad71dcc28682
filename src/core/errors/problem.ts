import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { TimeLimitReached } from '../http/time-limit.js';
import { storeFailure } from '../mongo/store-failure.js';
import {
  InternalError,
  RequestMalformed,
  RequestTimedOut,
  RequestTooLarge,
  RoleRequired,
  RouteNotFound,
  TokenInvalid,
  UnsupportedMedia,
} from './core.errors.js';
import { DomainError, type ErrorDefinition, type ErrorKind, type InputError } from './domain-error.js';

/** The body of `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly InputError[];
}

/** The one place that knows which status a kind of error has (RFC 9110, 6585). */
export const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  stale: 412,
  'too-large': 413,
  'header-too-large': 431,
  'too-slow': 408,
  'unsupported-media': 415,
  invalid: 422,
  'rate-limited': 429,
  internal: 500,
  unavailable: 503,
};

/** Where the page with the explanation of an error code is served. */
export const ERRORS_PAGE = '/api/docs/errors';

/** Turns whatever was thrown into an error of the catalogue: a driver message or a stack never gets further than this. */
export function toDomainError(thrown: unknown): DomainError & ErrorDefinition {
  if (thrown instanceof DomainError) return thrown;
  if (thrown instanceof TimeLimitReached) return new RequestTimedOut();
  const failure = storeFailure(thrown);
  if (failure) return failure;
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusProperty(thrown);
  switch (status) {
    case 401:
      return new TokenInvalid();
    case 403:
      return new RoleRequired();
    case 404:
      return new RouteNotFound();
    case 413:
      return new RequestTooLarge();
    case 415:
      return new UnsupportedMedia();
    case 503:
      return new RequestTimedOut();
    default:
      return status >= 400 && status < 500 ? new RequestMalformed() : new InternalError();
  }
}

/** Fastify's own errors carry their status as a property. */
function statusProperty(thrown: unknown): number {
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}

export function problemOf(
  error: DomainError,
  request: { readonly id: string; readonly path: string },
  publicUrl: string,
): Problem {
  const { title, code, kind } = error;
  const status = statusOfKind[kind];
  return {
    type: `${publicUrl}${ERRORS_PAGE}#${code}`,
    title: title || (STATUS_CODES[status] ?? 'Error'),
    status,
    code,
    detail: error.options.detail ?? title,
    instance: request.path,
    requestId: request.id,
    ...(error.options.errors ? { errors: error.options.errors } : {}),
  };
}

/** Headers that go with an error: `Retry-After`, `WWW-Authenticate` (RFC 6750 §3), and what the error itself carries. */
export function problemHeaders(error: DomainError): Record<string, string> {
  const headers: Record<string, string> = { ...error.options.headers };
  if (error.kind === 'unauthenticated') {
    headers['www-authenticate'] = error.code === 'auth.token_invalid' ? 'Bearer error="invalid_token"' : 'Bearer';
  }
  const retry = error.options.retryAfterSeconds ?? (error.kind === 'unavailable' ? 2 : undefined);
  if (retry !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retry)));
  return headers;
}
