import type { Revocation } from './revocation.store.js';

/** Whoever wants to hear of revocations. */
export interface RevocationListener {
  onRevoked(revocation: Revocation): void;
  /** Nothing sent from here on is missed. What was sent before may be. */
  onJoined(): void;
  /** From here on revocations are missed, and perhaps since a second. */
  onLost(): void;
}

/** The port that carries revocations to the other processes sooner than they look for them. It promises nothing. */
export abstract class RevocationChannel {
  /** Tells the others. Called after the revocation is durable; never fails, and takes no longer than a request may wait. */
  abstract spread(userId: string, revocation: Revocation): Promise<void>;

  /** To be called in `onModuleInit`. */
  abstract listen(listener: RevocationListener): void;
}

/** Where there is no Redis: everybody looks. */
export class SilentRevocationChannel extends RevocationChannel {
  spread(): Promise<void> {
    return Promise.resolve();
  }

  listen(): void {}
}
