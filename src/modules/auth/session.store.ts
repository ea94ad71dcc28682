/** Where and with what a session is used. */
export interface Device {
  readonly ip: string;
  readonly userAgent: string;
}

/** One sign-in on one device: a chain of refresh tokens. */
export interface Session extends Device {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

/** What a refresh token proves, hashed. */
export interface Proof {
  readonly userId: string;
  readonly sessionId: string;
  readonly familyHash: string;
  readonly secretHash: string;
}

/** A token in exchange for its successor. */
export interface Exchange extends Device {
  readonly presented: Proof;
  readonly successorHash: string;
  /** The successor, readable only for a holder of the presented token; handed out again while `at` is recent. */
  readonly sealedSuccessor: string;
  readonly at: Date;
}

export type Rotation =
  /** The token was the current one; its successor is now. */
  | { readonly outcome: 'rotated'; readonly session: Session }
  /** It was the current one until a moment ago: whoever raced gets the same successor. */
  | { readonly outcome: 'replayed'; readonly session: Session; readonly sealedSuccessor: string }
  /** A token of this chain that is over. Somebody has a copy. */
  | { readonly outcome: 'reused' }
  /** No token of a living session: forged, or the session is over. */
  | { readonly outcome: 'unknown' };

/** Milliseconds in which the parent still gets its successor again. */
export const REPLAY_MS = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a session lasts without being used, and at the longest. */
export const IDLE_MS = 30 * DAY_MS;
export const ABSOLUTE_MS = 90 * DAY_MS;

/**
 * The port of the sessions. Everything is under its user, each call is atomic, and a session that has ended or expired
 * is in no answer. Times come from the caller.
 */
export abstract class SessionStore {
  abstract create(session: Session, proof: Pick<Proof, 'familyHash' | 'secretHash'>): Promise<void>;

  abstract rotate(exchange: Exchange): Promise<Rotation>;

  /** Whether this is the current token of a living session. Changes nothing. */
  abstract isCurrent(proof: Proof, now: Date): Promise<boolean>;

  abstract find(userId: string, sessionId: string, now: Date): Promise<Session | undefined>;

  /** The one used last comes first. */
  abstract list(userId: string, now: Date): Promise<readonly Session[]>;

  /** The same with those that are over and could not be removed: whatever an end of all has to end. */
  abstract listStored(userId: string, now: Date): Promise<readonly Session[]>;

  /**
   * For sessions that are to end and could not be listed, because the store is away: none that was opened until then
   * continues afterwards, but for `except`. A store where that cannot happen does nothing.
   */
  abstract refuse(userId: string, openedUntil: Date, except?: string): Promise<void>;

  /** Ends those of the user's sessions that still live. */
  abstract end(userId: string, sessionIds: readonly string[]): Promise<void>;
}
