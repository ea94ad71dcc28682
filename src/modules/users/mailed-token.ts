/** What a token that was mailed is good for. */
export type MailedTokenPurpose = 'reset_password' | 'verify_email';

/** A token that was mailed to the account's address and not used yet. */
export interface MailedToken {
  readonly purpose: MailedTokenPurpose;
  readonly hash: string;
  readonly expiresAt: Date;
}

export const MAILED_TOKEN_TTL_MS = 30 * 60 * 1000;

/** Those that are still good, and a new one. The ones before stay good: a stranger's request must not spoil the owner's. */
export function withNewToken(
  tokens: readonly MailedToken[],
  purpose: MailedTokenPurpose,
  hash: string,
  now: Date,
): MailedToken[] {
  const expiresAt = new Date(now.getTime() + MAILED_TOKEN_TTL_MS);
  return [...tokens.filter((token) => token.expiresAt > now), { purpose, hash, expiresAt }];
}

export const isGood = (tokens: readonly MailedToken[], purpose: MailedTokenPurpose, hash: string, now: Date): boolean =>
  tokens.some((token) => token.purpose === purpose && token.hash === hash && token.expiresAt > now);

export const withoutTokensFor = (purpose: MailedTokenPurpose, tokens: readonly MailedToken[]): MailedToken[] =>
  tokens.filter((token) => token.purpose !== purpose);
