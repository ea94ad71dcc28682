import { toPending, type DomainEvent, type PendingEvent } from '../../core/events/domain-event.js';
import { LONGEST_REQUEST_MS } from '../../core/http/limits.js';
import { distinctWords } from '../../core/search/fold.js';
import type { IssuedToken } from '../../core/security/one-time-tokens.js';
import type { Role } from '../../core/security/principal.js';
import { isGood, withNewToken, withoutTokensFor, type MailedToken, type MailedTokenPurpose } from './mailed-token.js';
import {
  BOOTSTRAP,
  UserDeleted,
  UserEmailVerificationRequested,
  UserEmailVerified,
  UserPasswordChanged,
  UserPasswordResetRequested,
  UserProfileChanged,
  UserPurgeDue,
  UserRegistered,
  UserSignedOutEverywhere,
  UserStandingChanged,
  type AdminActor,
  type Standing,
} from './users.events.js';

/** `deleted` is what the purge sees; every other query acts as if such a user were not there. */
export type UserStatus = 'active' | 'suspended' | 'deleted';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly status: UserStatus;
  readonly emailVerified: boolean;
  /** IANA name, or `UTC`. */
  readonly timeZone: string;
  /** BCP 47. */
  readonly locale: string;
  /** Raised by every write; tokens carry the one they were issued under. */
  readonly version: number;
  /** argon2id in its own text form; empty once the user is deleted. */
  readonly passwordHash: string;
  readonly mailedTokens: readonly MailedToken[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewUser = Pick<User, 'email' | 'name' | 'passwordHash'> & { readonly role?: Role };
export type ProfileChange = Partial<Pick<User, 'name' | 'timeZone' | 'locale'>>;
export type StandingChange = Partial<Standing>;

/** What a write makes of a user, with the events it tells. */
export interface Decision {
  readonly user: User;
  readonly events: readonly PendingEvent[];
}

/**
 * Milliseconds from a deletion to the second purge: the longest request, and the time that the last database operation
 * it began may take on a socket that does not answer.
 */
export const PURGE_AGAIN_MS = 2 * LONGEST_REQUEST_MS;

/** Addresses that differ only in case are one account. */
export const emailKey = (email: string): string => email.normalize('NFC').toLowerCase();

/** What the admin's search looks through. */
export const searchTerms = ({ email, name }: Pick<User, 'email' | 'name'>): string[] =>
  distinctWords([email, name], 50);

/** @param verification a token by which the address can be confirmed, to be mailed */
export function registered(
  id: string,
  { email, name, passwordHash, role = 'user' }: NewUser,
  now: Date,
  verification?: IssuedToken,
): Decision {
  const user: User = {
    id,
    email,
    name,
    role,
    status: 'active',
    emailVerified: false,
    timeZone: 'UTC',
    locale: 'en',
    version: 1,
    passwordHash,
    mailedTokens: [],
    createdAt: now,
    updatedAt: now,
  };
  const events = [toPending(new UserRegistered(now, id))];
  if (!verification) return { user, events };
  const requested = withMailedToken(user, 'verify_email', verification, now);
  return { user: { ...requested.user, version: user.version }, events: [...events, ...requested.events] };
}

export function withProfile(user: User, change: ProfileChange, now: Date): Decision | undefined {
  const { name = user.name, timeZone = user.timeZone, locale = user.locale } = change;
  if (name === user.name && timeZone === user.timeZone && locale === user.locale) return undefined;
  return next(user, { name, timeZone, locale }, now, () => new UserProfileChanged(now, user.id));
}

export function withPassword(user: User, passwordHash: string, now: Date, keptSessionId?: string): Decision {
  const change = { passwordHash, mailedTokens: withoutTokensFor('reset_password', user.mailedTokens) };
  return next(user, change, now, () => new UserPasswordChanged(now, user.id, keptSessionId));
}

/** A token for `purpose` is on its way to the address. For the user nothing has changed, and so neither has `updatedAt`. */
export function withMailedToken(
  user: User,
  purpose: MailedTokenPurpose,
  { id, hash }: IssuedToken,
  now: Date,
): Decision {
  const Requested = purpose === 'verify_email' ? UserEmailVerificationRequested : UserPasswordResetRequested;
  const mailedTokens = withNewToken(user.mailedTokens, purpose, hash, now);
  return {
    user: { ...user, mailedTokens, version: user.version + 1 },
    events: [toPending(new Requested(now, user.id, id))],
  };
}

/** A new password by a token that was mailed. Undefined when the token is not good. */
export function withReset(user: User, hash: string, passwordHash: string, now: Date): Decision | undefined {
  if (user.status !== 'active' || !isGood(user.mailedTokens, 'reset_password', hash, now)) return undefined;
  const changed = withPassword(user, passwordHash, now);
  const signedOut = new UserSignedOutEverywhere(now, user.id, changed.user.version);
  return { user: changed.user, events: [...changed.events, toPending(signedOut)] };
}

/** The address, confirmed by a token that was mailed to it. Undefined when the token is not good. */
export function withConfirmedEmail(user: User, hash: string, now: Date): Decision | undefined {
  if (user.status !== 'active' || !isGood(user.mailedTokens, 'verify_email', hash, now)) return undefined;
  const change = { emailVerified: true, mailedTokens: withoutTokensFor('verify_email', user.mailedTokens) };
  return next(user, change, now, () => new UserEmailVerified(now, user.id));
}

export function signedOutEverywhere(user: User, now: Date, by?: AdminActor): Decision {
  return next(user, {}, now, ({ version }) => new UserSignedOutEverywhere(now, user.id, version, by));
}

export function withStanding(user: User, change: StandingChange, by: AdminActor, now: Date): Decision | undefined {
  const before = standingOf(user);
  const after = { role: change.role ?? before.role, status: change.status ?? before.status };
  if (after.role === before.role && after.status === before.status) return undefined;
  const event = ({ version }: User): DomainEvent => new UserStandingChanged(now, user.id, version, by, before, after);
  return next(user, after, now, event);
}

const FIRST_ADMIN: Standing = { role: 'admin', status: 'active' };

/** An unknown e-mail's way to be the first admin. */
export function registeredFirstAdmin(id: string, newUser: NewUser, now: Date): Decision {
  const { user, events } = registered(id, { ...newUser, role: 'admin' }, now);
  const change = new UserStandingChanged(now, id, user.version, BOOTSTRAP, null, FIRST_ADMIN);
  return { user, events: [...events, toPending(change)] };
}

/** A known user's way to be the first admin. */
export function asFirstAdmin(user: User, passwordHash: string, now: Date): Decision {
  const event = ({ version }: User): DomainEvent =>
    new UserStandingChanged(now, user.id, version, BOOTSTRAP, standingOf(user), FIRST_ADMIN);
  const mailedTokens = withoutTokensFor('reset_password', user.mailedTokens);
  return next(user, { ...FIRST_ADMIN, passwordHash, mailedTokens }, now, event);
}

/** From here on nobody finds the user: what is left is an id, and what tells the others to forget. */
export function deleted(user: User, now: Date): Decision {
  const purgeAt = new Date(now.getTime() + PURGE_AGAIN_MS);
  const version = user.version + 1;
  return {
    user: {
      ...user,
      email: '',
      name: '',
      passwordHash: '',
      mailedTokens: [],
      timeZone: 'UTC',
      locale: 'en',
      emailVerified: false,
      status: 'deleted',
      version,
      updatedAt: now,
    },
    events: [toPending(new UserDeleted(now, user.id, version)), toPending(new UserPurgeDue(purgeAt, user.id), purgeAt)],
  };
}

export const isActiveAdmin = ({ role, status }: Pick<User, 'role' | 'status'>): boolean =>
  role === 'admin' && status === 'active';

const standingOf = ({ role, status }: User): Standing => ({
  role,
  status: status === 'suspended' ? 'suspended' : 'active',
});

function next(user: User, change: Partial<User>, now: Date, event: (user: User) => DomainEvent): Decision {
  const changed: User = { ...user, ...change, version: user.version + 1, updatedAt: now };
  return { user: changed, events: [toPending(event(changed))] };
}
