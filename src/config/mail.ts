import { join } from 'node:path';
import { ConfigError, type Environment } from './environment.js';

/** How mails leave. */
export interface MailConfig {
  /** Absent: they are written to files. */
  readonly smtpUrl?: string;
  /** `Name <address>`, or an address. */
  readonly from: string;
  /** Where mails are written to without an SMTP server. */
  readonly directory: string;
}

/** @throws ConfigError */
export function mailConfig({ SMTP_URL: smtpUrl, MAIL_FROM: from }: Environment, dataDir: string): MailConfig {
  if (smtpUrl && !(URL.canParse(smtpUrl) && new URL(smtpUrl).hostname && /^\/?$/.test(new URL(smtpUrl).pathname)))
    throw new ConfigError('SMTP_URL: expected smtp[s]://[user:password@]host[:port]');
  return Object.freeze({ smtpUrl, from, directory: join(dataDir, 'mail') });
}
