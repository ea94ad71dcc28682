import { Schema } from 'mongoose';

export interface RateLimitDocument {
  /** The key of the limit. */
  _id: string;
  /** When the present window began. */
  startAt: Date;
  count: number;
  /** What was counted in the window before. */
  previous: number;
  expiresAt: Date;
}

export const RATE_LIMIT_MODEL = 'RateLimit';

export const rateLimitSchema = new Schema<RateLimitDocument>(
  { _id: String, startAt: Date, count: Number, previous: Number, expiresAt: Date },
  { collection: 'rate_limits', versionKey: false, read: 'primary' },
);
// Forgets windows that count for nothing any more.
rateLimitSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
