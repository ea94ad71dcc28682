import { Schema } from 'mongoose';

export interface SessionLedgerDocument {
  /** A digest of what it is about, so that nothing here names a user after the account is gone. */
  _id: string;
  /** Of a user whose sessions could not be listed: those opened until then are over, but for `except`. */
  openedUntil?: Date;
  except?: string;
  /** Digests of refresh tokens that were perhaps stored and certainly never handed out. */
  undelivered?: string[];
  expiresAt: Date;
}

export const SESSION_LEDGER_MODEL = 'SessionLedger';

export const sessionLedgerSchema = new Schema<SessionLedgerDocument>(
  {
    _id: String,
    openedUntil: Date,
    except: String,
    undelivered: { type: [String], default: undefined },
    expiresAt: Date,
  },
  { collection: 'session_ledger', versionKey: false, strict: 'throw' },
);
// Forgets what is said about sessions that would have expired by now.
sessionLedgerSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
