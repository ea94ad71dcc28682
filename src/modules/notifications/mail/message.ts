import type { SendMailOptions } from 'nodemailer';
import type { Mail } from './mailer.js';

/** A mail as nodemailer takes it. @param from `MAIL_FROM` */
export function messageOf(mail: Mail, from: string): SendMailOptions {
  const { id, to, subject, text, html, unsubscribeUrl } = mail;
  const domain = /@([^\s>]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    messageId: `<${id}.email@${domain}>`,
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    headers: {
      // Nobody is there to read the answers of holiday responders (RFC 3834 §5).
      'Auto-Submitted': 'auto-generated',
      ...(unsubscribeUrl
        ? { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
        : {}),
    },
    // The text is ours and the title is the user's: no file and no address is fetched for either.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
