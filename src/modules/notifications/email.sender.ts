import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { OneTimeTokens } from '../../core/security/one-time-tokens.js';
import { Clock } from '../../core/time/clock.js';
import { UsersService, type User } from '../users/index.js';
import type { Outcome, Sender } from './channel.js';
import type { Claim } from './delivery.js';
import { Mailer } from './mail/mailer.js';
import { isAboutTask, type AccountNotification, type TaskNotification } from './notification.js';
import { StillOpen } from './still-open.js';
import { emailVerification, passwordReset } from './templates/account-mails.js';
import type { MailText } from './templates/layout.js';
import { deadlineApproaching, overdue } from './templates/task-mails.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

/** Milliseconds that the token in a mail about the account is good. */
const TOKEN_LIVES_MS = 30 * 60 * 1000;

/** Tells by e-mail. The address is the one that the user has at that moment. */
@Injectable()
export class EmailSender implements Sender {
  constructor(
    private readonly mailer: Mailer,
    private readonly users: UsersService,
    private readonly stillOpen: StillOpen,
    private readonly tokens: OneTimeTokens,
    private readonly links: UnsubscribeLinks,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  async send({ notification }: Claim): Promise<Outcome> {
    const user = await this.users.findById(notification.owner);
    if (user?.status !== 'active') return 'skipped';
    const isWanted = isAboutTask(notification)
      ? await this.stillOpen.is(notification)
      : notification.createdAt.getTime() + TOKEN_LIVES_MS > this.clock.now().getTime();
    if (!isWanted) return 'skipped';
    const mail = isAboutTask(notification) ? this.taskMail(notification, user) : this.accountMail(notification);
    await this.mailer.send({ id: notification.id, to: user.email, ...mail });
    return 'sent';
  }

  private taskMail(notification: TaskNotification, user: User): MailText & { unsubscribeUrl: string } {
    const { appUrl } = this.config;
    const unsubscribeUrl = this.links.urlFor(user.id, notification.kind);
    const write = notification.kind === 'overdue' ? overdue : deadlineApproaching;
    const taskUrl = appUrl ? `${appUrl}/tasks/${notification.task.id}` : undefined;
    return {
      ...write(notification, { timeZone: user.timeZone, locale: user.locale, taskUrl, unsubscribeUrl }),
      unsubscribeUrl,
    };
  }

  private accountMail({ kind, tokenId }: AccountNotification): MailText {
    const { appUrl } = this.config;
    return kind === 'password_reset'
      ? passwordReset({ token: this.tokens.tokenOf('reset_password', tokenId), appUrl })
      : emailVerification({ token: this.tokens.tokenOf('verify_email', tokenId), appUrl });
  }
}
