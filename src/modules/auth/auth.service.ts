import { Injectable } from '@nestjs/common';
import { InputInvalid } from '../../core/errors/core.errors.js';
import { AccessTokens } from '../../core/security/access-tokens.js';
import type { Principal } from '../../core/security/principal.js';
import { EmailTaken, MailedTokens, UsersService, type User } from '../users/index.js';
import type { Credentials, PasswordChange, Registration } from './auth.dto.js';
import { AccountSuspended, CredentialsInvalid, RefreshInvalid } from './auth.errors.js';
import { refuseGuessable } from './password-policy.js';
import { Passwords } from './passwords.js';
import type { Device } from './session.store.js';
import { Sessions, type OpenSession } from './sessions.service.js';

export interface SignedIn {
  readonly user: User;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** The flows in which passwords are shown and tokens handed out. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly tokens: AccessTokens,
    private readonly mailedTokens: MailedTokens,
  ) {}

  /** @throws InputInvalid for a guessable password; EmailTaken */
  async register({ email, password, name }: Registration, device: Device): Promise<SignedIn> {
    await refuseGuessable(password, email, '/password');
    // Spares the hash; the unique index decides between registrations that race.
    if (await this.users.findByEmail(email)) throw new EmailTaken();
    // An account whose sign-in then fails would answer the repeated request with "taken".
    await this.sessions.assertReachable();
    const newUser = { email, name, passwordHash: await this.passwords.hash(password) };
    const user = await this.users.register(newUser, (id) => this.mailedTokens.issue('verify_email', id, email));
    return this.signedIn(user, await this.sessions.open(user.id, device));
  }

  /** @throws CredentialsInvalid in the same time whatever is wrong; AccountSuspended after the right password only */
  async login({ email, password }: Credentials, device: Device): Promise<SignedIn> {
    const user = await this.users.findByEmail(email);
    if (!(await this.passwords.matches(password, user?.passwordHash)) || !user) throw new CredentialsInvalid();
    refuseSuspended(user);
    const opened = await this.sessions.open(user.id, device);
    return this.signedIn(await this.stillGood(user, opened), opened);
  }

  /** @throws RefreshInvalid, RefreshReused, AccountSuspended */
  async refresh(refreshToken: string, device: Device): Promise<SignedIn> {
    const opened = await this.sessions.continue(refreshToken, device);
    // Read after the rotation: an account state from before it could be older than the end of this very session.
    const user = await this.users.findById(opened.session.userId);
    if (!user) throw new RefreshInvalid();
    refuseSuspended(user);
    return this.signedIn(user, opened);
  }

  async logoutAll(userId: string): Promise<void> {
    await this.users.raiseVersion(userId);
    await this.sessions.endAllRefused(userId);
  }

  /** The session of the request stays, every other one ends. @throws InputInvalid */
  async changePassword({ userId, sessionId }: Principal, change: PasswordChange): Promise<void> {
    const user = await this.verified(userId, change.currentPassword, '/currentPassword');
    await refuseGuessable(change.newPassword, user.email, '/newPassword');
    const passwordHash = await this.passwords.hash(change.newPassword);
    // The other sessions must end with the old password; afterwards the client could not repeat the request.
    await this.sessions.assertReachable(userId);
    const changed = await this.users.changePassword(userId, user.passwordHash, passwordHash, sessionId);
    if (!changed) throw incorrect('/currentPassword');
    await this.sessions.endAll(userId, { except: sessionId });
  }

  /** @throws InputInvalid for a wrong password; LastAdmin */
  async deleteAccount(userId: string, password: string): Promise<void> {
    await this.verified(userId, password, '/password');
    await this.users.delete(userId);
    await this.sessions.endAllRefused(userId);
  }

  /**
   * Looks again once the session exists: a suspension, a deletion or a new password that came in between has either
   * found this session and ended it, or is seen here.
   */
  private async stillGood(verified: User, { session }: OpenSession): Promise<User> {
    const user = await this.users.findById(verified.id);
    if (user?.status === 'active' && user.passwordHash === verified.passwordHash) return user;
    await this.sessions.signOut(session.userId, session.id);
    throw user?.status === 'suspended' ? new AccountSuspended() : new CredentialsInvalid();
  }

  private async verified(userId: string, password: string, pointer: string): Promise<User> {
    const user = await this.users.profile(userId);
    if (!(await this.passwords.matches(password, user.passwordHash))) throw incorrect(pointer);
    return user;
  }

  private signedIn(user: User, { session, refreshToken }: OpenSession): SignedIn {
    return { user, accessToken: this.tokens.issue(user, session.id), refreshToken };
  }
}

function refuseSuspended({ status }: User): void {
  if (status === 'suspended') throw new AccountSuspended();
}

const incorrect = (pointer: string): Error =>
  new InputInvalid({ errors: [{ pointer, code: 'incorrect', message: 'is not your password' }] });
