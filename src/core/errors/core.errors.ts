import { defineError } from './domain-error.js';

/** Errors that belong to no module: the transport, the guards and the stores raise them. */
export const RequestMalformed = defineError('request.malformed', 'malformed', 'The request cannot be understood.');
export const RouteNotFound = defineError('route.not_found', 'not-found', 'There is nothing at this address.');
export const RequestTooLarge = defineError('request.too_large', 'too-large', 'The request body is too large.');
export const HeaderTooLarge = defineError(
  'request.header_too_large',
  'header-too-large',
  'The header of the request is too large.',
);
export const RequestTooSlow = defineError('request.too_slow', 'too-slow', 'The request did not arrive in time.');
export const UnsupportedMedia = defineError(
  'request.unsupported_media_type',
  'unsupported-media',
  'The media type of the request body is not supported.',
);
export const InputInvalid = defineError('input.invalid', 'invalid', 'The input does not have the expected form.');
export const CursorInvalid = defineError(
  'cursor.invalid',
  'invalid',
  'The cursor is damaged, or belongs to another user, filter or order.',
);
export const TokenMissing = defineError('auth.token_missing', 'unauthenticated', 'This needs an access token.');
export const TokenInvalid = defineError(
  'auth.token_invalid',
  'unauthenticated',
  'The access token is not valid, has expired or was revoked.',
);
export const RoleRequired = defineError('auth.forbidden', 'forbidden', 'Your role does not allow this.');
export const RateLimited = defineError('rate_limit.exceeded', 'rate-limited', 'Too many requests.');
export const StoreUnavailable = defineError('store.unavailable', 'unavailable', 'A data store does not answer.');
export const Overloaded = defineError('server.overloaded', 'unavailable', 'The server is too busy for this now.');
// Answered by the proxy in front (deploy/nginx) while no process can be reached.
defineError('server.unreachable', 'unavailable', 'No server answers.');
export const RequestTimedOut = defineError('request.timeout', 'unavailable', 'The answer took too long.');
export const WriteContended = defineError(
  'write.contended',
  'conflict',
  'Other writes to the same object kept getting in between.',
);
export const InternalError = defineError('internal', 'internal', 'Something went wrong on our side.');
