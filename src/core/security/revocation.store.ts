/** An ended session, or a user whose tokens below a version are refused. */
export type Revocation =
  | { readonly kind: 'session'; readonly id: string; readonly expiresAt: Date }
  | { readonly kind: 'user'; readonly id: string; readonly minVersion: number; readonly expiresAt: Date };

/** The port of the revocations. What is added is durable before `add` answers and is forgotten after `expiresAt`. */
export abstract class RevocationStore {
  abstract add(revocation: Revocation): Promise<void>;

  /** Those added at or after `since` (all, when absent) that have not expired. */
  abstract list(since?: Date): Promise<readonly Revocation[]>;
}
