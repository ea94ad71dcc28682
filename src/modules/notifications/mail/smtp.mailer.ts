import type { OnApplicationShutdown } from '@nestjs/common';
import { createTransport } from 'nodemailer';
import { Undeliverable } from '../channel.js';
import type { Mail, Mailer } from './mailer.js';
import { messageOf } from './message.js';

/** Milliseconds. Together shorter than an attempt may take. */
const CONNECT_MS = 5000;
const GREETING_MS = 5000;
const SILENCE_MS = 15_000;

export interface SmtpOptions {
  /** `smtp[s]://[user:password@]host[:port]` */
  readonly url: string;
  readonly from: string;
  /** Whether a password may only go over TLS. */
  readonly requireTls: boolean;
}

/** What nodemailer says about a failure. */
interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
}

/** Hands mails to an SMTP server, over a few connections that stay open. */
export class SmtpMailer implements Mailer, OnApplicationShutdown {
  private readonly transport;

  constructor(private readonly options: SmtpOptions) {
    const { hostname, port, protocol, username, password } = new URL(options.url);
    const isTls = protocol === 'smtps:';
    this.transport = createTransport({
      pool: true,
      maxConnections: 5,
      maxMessages: 100,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (isTls ? 465 : 587)),
      secure: isTls,
      requireTLS: options.requireTls && username !== '',
      ...(username ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } } : {}),
      connectionTimeout: CONNECT_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: SILENCE_MS,
    });
  }

  async send(mail: Mail): Promise<void> {
    try {
      await this.transport.sendMail(messageOf(mail, this.options.from));
    } catch (error) {
      const { responseCode = 0, command, code = 'unknown' } = error as SmtpError;
      // Refused for good, and because of this mail: not the greeting or the password, which would be everybody's.
      const isAboutMail = command === 'RCPT TO' || command === 'DATA';
      if (isAboutMail && responseCode >= 500) throw new Undeliverable(`the server refused it with ${responseCode}`);
      // Not its own words: the address may be among them, and whoever reads logs need not know it.
      throw new Error(responseCode > 0 ? `the server answered ${responseCode}` : `no server: ${code}`, {
        cause: error,
      });
    }
  }

  onApplicationShutdown(): void {
    this.transport.close();
  }
}
