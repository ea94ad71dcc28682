import { DomainEvent } from '../../core/events/domain-event.js';
import type { Role } from '../../core/security/principal.js';

export class UserRegistered extends DomainEvent {
  static readonly eventName = 'user.registered';

  constructor(
    at: Date,
    readonly userId: string,
  ) {
    super(at);
  }
}

/** Name, time zone or locale. */
export class UserProfileChanged extends DomainEvent {
  static readonly eventName = 'user.profile_changed';

  constructor(
    at: Date,
    readonly userId: string,
  ) {
    super(at);
  }
}

export class UserPasswordChanged extends DomainEvent {
  static readonly eventName = 'user.password_changed';

  constructor(
    at: Date,
    readonly userId: string,
    /** The session in which it was changed; every other one is over. */
    readonly keptSessionId?: string,
  ) {
    super(at);
  }
}

/** Somebody wants to set a new password: the address is to get a token. */
export class UserPasswordResetRequested extends DomainEvent {
  static readonly eventName = 'user.password_reset_requested';

  constructor(
    at: Date,
    readonly userId: string,
    /** For `OneTimeTokens.tokenOf('reset_password', …)`: the token itself is written down nowhere. */
    readonly tokenId: string,
  ) {
    super(at);
  }
}

/** The address is to get a token by which its holder confirms it. */
export class UserEmailVerificationRequested extends DomainEvent {
  static readonly eventName = 'user.email_verification_requested';

  constructor(
    at: Date,
    readonly userId: string,
    /** For `OneTimeTokens.tokenOf('verify_email', …)`. */
    readonly tokenId: string,
  ) {
    super(at);
  }
}

export class UserEmailVerified extends DomainEvent {
  static readonly eventName = 'user.email_verified';

  constructor(
    at: Date,
    readonly userId: string,
  ) {
    super(at);
  }
}

/** Tokens of a lower version are refused; every session is over. */
export class UserSignedOutEverywhere extends DomainEvent {
  static readonly eventName = 'user.signed_out_everywhere';

  constructor(
    at: Date,
    readonly userId: string,
    readonly version: number,
    /** The admin who did it; absent when it was the user. */
    readonly by?: AdminActor,
  ) {
    super(at);
  }
}

/** An admin, or the bootstrap. */
export interface AdminActor {
  readonly id: string;
  readonly ip?: string;
}

/** The start of the program, which makes the first admin. */
export const BOOTSTRAP: AdminActor = { id: 'bootstrap' };

/** What an admin can change about a user. */
export interface Standing {
  readonly role: Role;
  readonly status: 'active' | 'suspended';
}

export class UserStandingChanged extends DomainEvent {
  static readonly eventName = 'user.standing_changed';

  constructor(
    at: Date,
    readonly userId: string,
    readonly version: number,
    readonly by: AdminActor,
    /** Null when the account was made as an admin. */
    readonly before: Standing | null,
    readonly after: Standing,
  ) {
    super(at);
  }
}

/** The account is gone for everybody; listeners remove what they keep of it. */
export class UserDeleted extends DomainEvent {
  static readonly eventName = 'user.deleted';

  constructor(
    at: Date,
    readonly userId: string,
    readonly version: number,
  ) {
    super(at);
  }
}

/**
 * Follows `UserDeleted` after the longest request: what a request that was running at the deletion has written since
 * is removed now. After it nothing of the user is left and the user document goes.
 */
export class UserPurgeDue extends DomainEvent {
  static readonly eventName = 'user.purge_due';

  constructor(
    at: Date,
    readonly userId: string,
  ) {
    super(at);
  }
}
