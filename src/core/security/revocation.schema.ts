import { Schema } from 'mongoose';

export interface RevocationDocument {
  /** `session:<id>` or `user:<id>`. */
  _id: string;
  minVersion?: number;
  at: Date;
  expiresAt: Date;
}

export const REVOCATION_MODEL = 'Revocation';

export const revocationSchema = new Schema<RevocationDocument>(
  { _id: String, minVersion: Number, at: Date, expiresAt: Date },
  { collection: 'revocations', versionKey: false },
);
// Forgets what no token can carry any more.
revocationSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
// What the other processes ended since the last look.
revocationSchema.index({ at: 1 });
