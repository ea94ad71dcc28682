import { defineError } from '../../core/errors/domain-error.js';

export const CredentialsInvalid = defineError(
  'auth.invalid_credentials',
  'unauthenticated',
  'The e-mail or the password is wrong.',
);
export const AccountSuspended = defineError('auth.suspended', 'forbidden', 'This account is suspended.');
export const RefreshMissing = defineError('auth.refresh_missing', 'unauthenticated', 'This needs a refresh token.');
export const RefreshInvalid = defineError(
  'auth.refresh_invalid',
  'unauthenticated',
  'The refresh token is not valid, or its session is over.',
);
export const RefreshReused = defineError(
  'auth.refresh_reused',
  'unauthenticated',
  'The refresh token was used before. Its session has been ended, in case somebody copied it.',
);
export const OneTimeTokenInvalid = defineError(
  'auth.one_time_token_invalid',
  'invalid',
  'The token is not valid, was used before, or has expired.',
);
export const SessionNotFound = defineError('session.not_found', 'not-found', 'There is no such session.');
