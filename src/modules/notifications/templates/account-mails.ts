import { layout, type MailText } from './layout.js';

/** What a mail with a token needs. */
export interface AccountMailContext {
  readonly token: string;
  /** The front end, which takes the token behind `#`; without one the mail shows it. */
  readonly appUrl?: string;
}

/** Somebody wants to set a new password. */
export function passwordReset(context: AccountMailContext): MailText {
  return layout({
    subject: 'Set a new password',
    lines: [
      'Somebody, probably you, wants to set a new password for your TaskFlow account.',
      'This works once, within 30 minutes. If it was not you, nothing has changed, and you need not do anything.',
    ],
    ...way(context, 'reset-password', 'Set a new password', 'POST /api/v1/auth/reset-password'),
    why: 'You get this because somebody gave your address on the page for forgotten passwords.',
  });
}

/** A new address is to be confirmed. */
export function emailVerification(context: AccountMailContext): MailText {
  return layout({
    subject: 'Confirm your e-mail address',
    lines: [
      'Please confirm that this is your address. Only then TaskFlow sends reminders to it.',
      'This works once, within 30 minutes. If you have no TaskFlow account, somebody made a mistake; just ignore this.',
    ],
    ...way(context, 'verify-email', 'Confirm the address', 'POST /api/v1/auth/verify-email'),
    why: 'You get this because somebody registered your address with TaskFlow.',
  });
}

/** Behind `#`, so that the token stays out of the logs of whatever is in between. */
const way = ({ token, appUrl }: AccountMailContext, page: string, label: string, call: string) =>
  appUrl ? { link: { label, url: `${appUrl}/${page}#token=${token}` } } : { code: `${call}\n${token}` };
