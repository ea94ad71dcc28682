import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly to: readonly string[];
  readonly raw: string;
  /** Unfolded; undefined when there is none. */
  header(name: string): string | undefined;
  /** The part of this type, decoded. */
  part(type: 'text/plain' | 'text/html'): string;
}

/** An SMTP server that keeps what it is sent. */
export interface SmtpInbox {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** What it answers to recipients from here on; undefined: it takes them. */
  refuse(code?: number, to?: string): void;
  /** Takes each mail only after so many milliseconds. */
  delay(ms: number): void;
  /** Called with each mail before the sender is told that it was taken. */
  onMail(listener: (mail: ReceivedMail) => void): void;
  /** Nobody listens until `restore`. */
  stop(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

export async function startSmtpInbox(): Promise<SmtpInbox> {
  const mails: ReceivedMail[] = [];
  let refused: { code: number; to?: string } | undefined;
  let delayMs = 0;
  let listener: (mail: ReceivedMail) => void = () => undefined;
  const open = async (port: number): Promise<SMTPServer> => {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onRcptTo({ address }, _session, callback) {
        if (!refused || (refused.to !== undefined && refused.to !== address)) return callback();
        callback(Object.assign(new Error('not for this one'), { responseCode: refused.code }));
      },
      onData(stream, { envelope }, callback) {
        const to = envelope.rcptTo.map(({ address }) => address);
        const take = (bytes: Buffer): void => {
          const mail = received(to, bytes.toString());
          mails.push(mail);
          listener(mail);
          callback();
        };
        buffer(stream).then((bytes) => setTimeout(() => take(bytes), delayMs), callback);
      },
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  };
  let server = await open(0);
  const { port } = server.server.address() as AddressInfo;
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (code, to) => void (refused = code === undefined ? undefined : { code, to }),
    delay: (ms) => void (delayMs = ms),
    onMail: (given) => void (listener = given),
    stop,
    restore: async () => void (server = await open(port)),
    close: stop,
  };
}

/** As a mail program reads it. */
export function received(to: readonly string[], raw: string): ReceivedMail {
  const headersOf = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  const headerIn = (text: string, name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, 'im').exec(headersOf(text))?.[1]?.trim();
  return {
    to,
    raw,
    header: (name) => headerIn(raw, name),
    part(type) {
      const boundary = /boundary="([^"]+)"/.exec(headersOf(raw))![1]!;
      const part = raw
        .split(`--${boundary}`)
        .find((one) => one.trimStart().startsWith(`Content-Type: ${type}`))!
        .trimStart();
      const body = part.slice(part.indexOf('\r\n\r\n') + 4);
      return headerIn(part, 'Content-Transfer-Encoding') === 'quoted-printable' ? fromQuotedPrintable(body) : body;
    },
  };
}

/** RFC 2045 §6.7. */
function fromQuotedPrintable(text: string): string {
  const bytes = text
    .replaceAll('=\r\n', '')
    .replaceAll(/=([\dA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
