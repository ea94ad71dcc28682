import type { Claim } from './delivery.js';

/** `skipped`: there is nobody to tell, or nothing to tell them any more. */
export type Outcome = 'sent' | 'skipped';

/** A way to tell somebody who is not in the app. */
export interface Sender {
  /** @throws Undeliverable; PartlySent; whatever else it throws may be better later */
  send(claim: Claim, signal: AbortSignal): Promise<Outcome>;
}

/** It will never be possible to send this: there is no such address, for example. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}

/** Some have got it, and the others may later. */
export class PartlySent extends Error {
  override readonly name = 'PartlySent';

  constructor(
    readonly reached: readonly string[],
    message: string,
  ) {
    super(message);
  }
}
