import { Schema, type Types } from 'mongoose';
import {
  deliveryDefinition,
  deliveryIndex,
  outboxDefinition,
  outboxIndex,
  type OutboxFields,
} from '../../core/events/outbox.schema.js';
import type { MailedToken } from './mailed-token.js';
import type { User } from './user.js';

export interface UserDocument extends Omit<User, 'id' | 'mailedTokens'>, OutboxFields {
  _id: Types.ObjectId;
  /** Absent in accounts from before there were any. */
  mailedTokens?: readonly MailedToken[];
  /** The folded e-mail; absent once the user is deleted, so that the address is free. */
  emailKey?: string;
  /** Folded words of e-mail and name. */
  terms: readonly string[];
}

const mailedTokenSchema = new Schema({ purpose: String, hash: String, expiresAt: Date }, { _id: false, id: false });

export const USER_MODEL = 'User';

export const userSchema = new Schema<UserDocument>(
  {
    email: String,
    emailKey: String,
    name: String,
    role: String,
    status: String,
    emailVerified: Boolean,
    timeZone: String,
    locale: String,
    version: Number,
    passwordHash: String,
    mailedTokens: { type: [mailedTokenSchema], default: undefined },
    terms: { type: [String], default: undefined },
    createdAt: Date,
    updatedAt: Date,
    ...outboxDefinition,
    ...deliveryDefinition,
  },
  { collection: 'users', versionKey: false, strict: 'throw' },
);

// Login, registration and the bootstrap; decides between two registrations of one address.
userSchema.index({ emailKey: 1 }, { unique: true, sparse: true });
// The admin's list, all users.
userSchema.index({ createdAt: -1, _id: -1 });
// The admin's list of one status or role; counts of active admins, of each status and of new users.
userSchema.index({ status: 1, role: 1, createdAt: -1, _id: -1 });
// The admin's search.
userSchema.index({ terms: 1 });
// The relay.
userSchema.index(...outboxIndex);
// The modules that listen.
userSchema.index(...deliveryIndex);
