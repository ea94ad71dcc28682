import { Schema } from 'mongoose';
import { outboxDefinition, outboxIndex, type OutboxFields } from '../../core/events/outbox.schema.js';
import type { SetPreferences } from './preferences.js';

export interface PreferencesDocument extends OutboxFields {
  /** The owner. */
  _id: string;
  owner: string;
  /** Only what was set. */
  set: SetPreferences;
  version: number;
}

export const PREFERENCES_MODEL = 'NotificationPreferences';

export const preferencesSchema = new Schema<PreferencesDocument>(
  { _id: String, owner: String, set: Schema.Types.Mixed, version: Number, ...outboxDefinition },
  { collection: 'notification_preferences', versionKey: false, strict: 'throw', read: 'primary' },
);

// The relay.
preferencesSchema.index(...outboxIndex);
