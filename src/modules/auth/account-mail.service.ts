import { Injectable } from '@nestjs/common';
import { OneTimeTokens, type PresentedToken } from '../../core/security/one-time-tokens.js';
import { MailedTokens, UsersService, type MailedTokenPurpose, type User } from '../users/index.js';
import { OneTimeTokenInvalid } from './auth.errors.js';
import { refuseGuessable } from './password-policy.js';
import { Passwords } from './passwords.js';
import { Sessions } from './sessions.service.js';

/** The flows in which somebody shows a token that was mailed to the account's address, or asks for one. */
@Injectable()
export class AccountMail {
  constructor(
    private readonly users: UsersService,
    private readonly mailed: MailedTokens,
    private readonly tokens: OneTimeTokens,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  forgotPassword(email: string): Promise<void> {
    return this.mailed.requestReset(email);
  }

  /** Ends every session. @throws OneTimeTokenInvalid; InputInvalid for a guessable password, and then the token stays good */
  async resetPassword(token: string, newPassword: string): Promise<void> {
    const { presented, user } = await this.read('reset_password', token);
    await refuseGuessable(newPassword, user.email, '/newPassword');
    const passwordHash = await this.passwords.hash(newPassword);
    if (!(await this.mailed.resetPassword(presented, passwordHash))) throw new OneTimeTokenInvalid();
    await this.sessions.endAllRefused(user.id);
  }

  /** @throws OneTimeTokenInvalid */
  async verifyEmail(token: string): Promise<void> {
    const { presented } = await this.read('verify_email', token);
    if (!(await this.mailed.verifyEmail(presented))) throw new OneTimeTokenInvalid();
  }

  async resendVerification(userId: string): Promise<void> {
    await this.mailed.requestVerification(await this.users.profile(userId));
  }

  /** Before anything costly is begun; the write that uses the token looks again. */
  private async read(
    purpose: MailedTokenPurpose,
    token: string,
  ): Promise<{ readonly presented: PresentedToken; readonly user: User }> {
    const presented = this.tokens.read(purpose, token);
    const user = presented && (await this.mailed.holder(purpose, presented));
    if (!user) throw new OneTimeTokenInvalid();
    return { presented, user };
  }
}
