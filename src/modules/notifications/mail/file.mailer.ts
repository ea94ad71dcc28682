import { Logger } from '@nestjs/common';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mail, Mailer } from './mailer.js';
import { messageOf } from './message.js';

/** Where there is no SMTP server: writes each mail to a file that any mail program opens. */
export class FileMailer implements Mailer {
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly directory: string,
    private readonly from: string,
  ) {}

  async send(mail: Mail): Promise<void> {
    // Not loaded before there is a mail.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
    const { message } = (await transport.sendMail(messageOf(mail, this.from))) as unknown as { message: Buffer };
    // Only for the owner: tokens are in them.
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const path = join(this.directory, `${mail.id}.eml`);
    await writeFile(path, message, { mode: 0o600 });
    this.logger.log(`without SMTP_URL, "${mail.subject}" is in ${path}`);
  }
}
