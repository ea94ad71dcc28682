import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { WriteContended } from '../../core/errors/core.errors.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { DurableRateLimitRepository } from '../../core/rate-limit/durable-rate-limit.repository.js';
import { OneTimeTokens, type IssuedToken, type PresentedToken } from '../../core/security/one-time-tokens.js';
import { Revocations } from '../../core/security/revocations.js';
import { Clock } from '../../core/time/clock.js';
import { isGood, MAILED_TOKEN_TTL_MS, type MailedTokenPurpose } from './mailed-token.js';
import {
  emailKey,
  registered,
  withConfirmedEmail,
  withMailedToken,
  withReset,
  type Decision,
  type User,
} from './user.js';
import { UserWriter } from './user-writer.js';
import { UserNotFound } from './users.errors.js';
import { UsersRepository } from './users.repository.js';

const MAX_ATTEMPTS = 5;
/**
 * Mails of one kind to an address in the time for which a token is good: whoever is refused another one has got one that
 * still works.
 */
const MAX_MAILS = 3;
/** In the place of an account that is not there, so that the work is the same. */
const NOBODY = registered('0'.repeat(24), { email: '', name: '', passwordHash: '' }, new Date(0)).user;

/** Tokens that are mailed to the address of an account: asked for by an event, kept as hashes in the account, used once. */
@Injectable()
export class MailedTokens {
  constructor(
    private readonly users: UsersRepository,
    private readonly writer: UserWriter,
    private readonly tokens: OneTimeTokens,
    private readonly limits: DurableRateLimitRepository,
    private readonly revocations: Revocations,
    private readonly relay: OutboxRelay,
    private readonly clock: Clock,
  ) {}

  /** Undefined when the address has had its share of mails. */
  async issue(purpose: MailedTokenPurpose, userId: string, email: string): Promise<IssuedToken | undefined> {
    return (await this.mayMail(purpose, email)) ? this.tokens.issue(purpose, userId) : undefined;
  }

  /**
   * Has a token mailed if there is an active account with this address. Whether there is one shows neither in the answer
   * nor in what is asked of the database.
   */
  async requestReset(email: string): Promise<void> {
    if (!(await this.mayMail('reset_password', email))) return;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = await this.users.findByEmail(email);
      const user = found?.status === 'active' ? found : NOBODY;
      const issued = this.tokens.issue('reset_password', user.id);
      // Nothing that a user can see has changed, so no cached answer has to be forgotten.
      const isWritten = await this.users.replace(
        user,
        withMailedToken(user, 'reset_password', issued, this.clock.now()),
      );
      if (isWritten) this.relay.nudge();
      if (isWritten || user === NOBODY) return;
    }
    throw new WriteContended();
  }

  /** Has a token mailed unless the address is confirmed. */
  async requestVerification({ id, email, emailVerified }: User): Promise<void> {
    const issued = emailVerified ? undefined : await this.issue('verify_email', id, email);
    if (!issued) return;
    await this.writer.write(id, (user) =>
      user.emailVerified ? undefined : withMailedToken(user, 'verify_email', issued, this.clock.now()),
    );
  }

  /** The active account that a token is good for. */
  async holder(purpose: MailedTokenPurpose, { userId, hash }: PresentedToken): Promise<User | undefined> {
    const user = await this.users.findById(userId);
    return user?.status === 'active' && isGood(user.mailedTokens, purpose, hash, this.clock.now()) ? user : undefined;
  }

  /**
   * Uses up the token, and every other one for this. Tokens of sessions are refused from here on; ending the sessions
   * is the caller's part, and again that of the event's listener.
   * @returns false when the token is not good any more
   */
  async resetPassword({ userId, hash }: PresentedToken, passwordHash: string): Promise<boolean> {
    const written = await this.use(userId, (user) => withReset(user, hash, passwordHash, this.clock.now()));
    if (written) await this.revocations.raiseVersion(userId, written.version);
    return written !== undefined;
  }

  /** @returns false when the token is not good any more */
  async verifyEmail({ userId, hash }: PresentedToken): Promise<boolean> {
    return (await this.use(userId, (user) => withConfirmedEmail(user, hash, this.clock.now()))) !== undefined;
  }

  /** The token and what it changes are one document: of requests that race with one token a single one finds it. */
  private async use(userId: string, decide: (user: User) => Decision | undefined): Promise<User | undefined> {
    try {
      const { user, events } = await this.writer.write(userId, decide);
      return events.length > 0 ? user : undefined;
    } catch (error) {
      if (error instanceof UserNotFound) return undefined;
      throw error;
    }
  }

  private async mayMail(purpose: MailedTokenPurpose, email: string): Promise<boolean> {
    const address = createHash('sha256').update(emailKey(email)).digest('base64url');
    const key = `mail:${purpose}:${address}`;
    const [result] = await this.limits.consume([{ key, limit: MAX_MAILS, windowSeconds: MAILED_TOKEN_TTL_MS / 1000 }]);
    return result!.allowed;
  }
}
