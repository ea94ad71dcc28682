import { Schema } from 'mongoose';

export interface SessionDocument {
  _id: string;
  userId: string;
  familyHash: string;
  secretHash: string;
  /** Of the token before the current one. */
  parentHash?: string;
  sealedSuccessor?: string;
  /** When `sealedSuccessor` is to be forgotten. */
  sealedUntil?: Date;
  createdAt: Date;
  lastUsedAt: Date;
  /** 30 days after the last use. */
  idleUntil: Date;
  /** 90 days after the sign-in. */
  absoluteUntil: Date;
  ip: string;
  userAgent: string;
}

export const SESSION_MODEL = 'Session';

export const sessionSchema = new Schema<SessionDocument>(
  {
    _id: String,
    userId: String,
    familyHash: String,
    secretHash: String,
    parentHash: String,
    sealedSuccessor: String,
    sealedUntil: Date,
    createdAt: Date,
    lastUsedAt: Date,
    idleUntil: Date,
    absoluteUntil: Date,
    ip: String,
    userAgent: String,
  },
  { collection: 'sessions', versionKey: false, strict: 'throw' },
);
// The list of a user's sessions, and their end.
sessionSchema.index({ userId: 1, lastUsedAt: -1 });
sessionSchema.index({ idleUntil: 1 }, { expireAfterSeconds: 0 });
sessionSchema.index({ absoluteUntil: 1 }, { expireAfterSeconds: 0 });
// Successors to forget; sparse, so that it holds only sessions rotated a moment ago.
sessionSchema.index({ sealedUntil: 1 }, { sparse: true });
