import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../../core/errors/core.errors.js';
import { Revocations } from '../../core/security/revocations.js';
import { Clock } from '../../core/time/clock.js';
import { RefreshInvalid, RefreshReused, SessionNotFound } from './auth.errors.js';
import {
  digest,
  newRefreshToken,
  readRefreshToken,
  seal,
  successorOf,
  unseal,
  writeRefreshToken,
  type RefreshToken,
} from './refresh-token.js';
import { SessionStore, type Device, type Proof, type Session } from './session.store.js';

const NOBODY = '0'.repeat(24);

/** A session with the one token that continues it. */
export interface OpenSession {
  readonly session: Session;
  readonly refreshToken: string;
}

/** Sign-ins by device: begun, continued by rotation, listed, ended. */
@Injectable()
export class Sessions {
  constructor(
    private readonly store: SessionStore,
    private readonly revocations: Revocations,
    private readonly clock: Clock,
  ) {}

  async open(userId: string, device: Device): Promise<OpenSession> {
    const now = this.clock.now();
    const session: Session = { id: randomUUID(), userId, createdAt: now, lastUsedAt: now, ...device };
    const token = newRefreshToken(userId, session.id);
    await this.store.create(session, proofOf(token));
    return { session, refreshToken: writeRefreshToken(token) };
  }

  /**
   * Exchanges a refresh token for its successor.
   * @throws RefreshInvalid; RefreshReused, and then the session has ended
   */
  async continue(presented: string, device: Device): Promise<OpenSession> {
    const token = readRefreshToken(presented);
    if (!token) throw new RefreshInvalid();
    const successor = successorOf(token);
    const rotation = await this.store.rotate({
      presented: proofOf(token),
      successorHash: digest(successor.secret),
      sealedSuccessor: seal(successor, token),
      at: this.clock.now(),
      ...device,
    });
    if (rotation.outcome === 'rotated') {
      return { session: rotation.session, refreshToken: writeRefreshToken(successor) };
    }
    if (rotation.outcome === 'replayed') {
      return { session: rotation.session, refreshToken: writeRefreshToken(unseal(rotation.sealedSuccessor, token)) };
    }
    if (rotation.outcome === 'unknown') throw new RefreshInvalid();
    await this.close(token.userId, [token.sessionId]);
    throw new RefreshReused();
  }

  /**
   * For what must not be begun while sessions cannot be opened or ended.
   * @throws StoreUnavailable
   */
  async assertReachable(userId = NOBODY): Promise<void> {
    await this.list(userId);
  }

  /** The user whose living session this token continues, if it is the current one. */
  async holderOf(presented: string): Promise<{ userId: string; sessionId: string } | undefined> {
    const token = readRefreshToken(presented);
    if (!token || !(await this.store.isCurrent(proofOf(token), this.clock.now()))) return undefined;
    return { userId: token.userId, sessionId: token.sessionId };
  }

  list(userId: string): Promise<readonly Session[]> {
    return this.store.list(userId, this.clock.now());
  }

  /** @throws SessionNotFound also for a session of somebody else */
  async end(userId: string, sessionId: string): Promise<void> {
    if (!(await this.store.find(userId, sessionId, this.clock.now()))) throw new SessionNotFound();
    await this.close(userId, [sessionId]);
  }

  /** Ends the session of an access token that was just shown, whether or not it still lives. */
  async signOut(userId: string, sessionId: string): Promise<void> {
    await this.close(userId, [sessionId]);
  }

  /**
   * Ends the user's sessions, and with them every token they issued.
   * @param except the session that stays
   * @param openedUntil leaves those that were opened later
   * @throws StoreUnavailable when they cannot be listed; their refresh tokens are refused all the same
   */
  async endAll(userId: string, { except, openedUntil }: { except?: string; openedUntil?: Date } = {}): Promise<void> {
    const sessions = await this.store.listStored(userId, this.clock.now()).catch(async (error: unknown) => {
      await this.store.refuse(userId, openedUntil ?? this.clock.now(), except);
      throw error;
    });
    const over = sessions.filter(({ id, createdAt }) => id !== except && (!openedUntil || createdAt <= openedUntil));
    await this.close(
      userId,
      over.map(({ id }) => id),
    );
  }

  /**
   * The same for a user whose version was raised, so that every access token is refused already. If the store of the
   * sessions is away, nothing is left that a token could do, and the listener of the event removes them later.
   */
  async endAllRefused(userId: string): Promise<void> {
    await this.endAll(userId).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    });
  }

  /** Revoked first: if the process dies in between, the session is still there to be ended again. */
  private async close(userId: string, sessionIds: readonly string[]): Promise<void> {
    await Promise.all(sessionIds.map((id) => this.revocations.endSession(userId, id)));
    if (sessionIds.length > 0) await this.store.end(userId, sessionIds);
  }
}

function proofOf({ userId, sessionId, family, secret }: RefreshToken): Proof {
  return { userId, sessionId, familyHash: digest(family), secretHash: digest(secret) };
}
