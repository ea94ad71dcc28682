/** What a person gets. */
export interface Mail {
  /** Of the notification: sent twice it is the same mail, and mail programs show one. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** By which the reader can end mails of this kind, in one click (RFC 8058). */
  readonly unsubscribeUrl?: string;
}

/** Where mails leave. */
export abstract class Mailer {
  /** Resolves when somebody else is responsible for it. @throws Undeliverable; whatever else may be better later */
  abstract send(mail: Mail): Promise<void>;
}
