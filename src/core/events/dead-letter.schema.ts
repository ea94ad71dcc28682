import { Schema } from 'mongoose';

/** What was given up. It stays until somebody tries it again with success, or drops it. */
export interface DeadLetterDocument {
  _id: string;
  kind: 'event' | 'delivery';
  group: string;
  name: string;
  owner: string;
  payload: Readonly<Record<string, unknown>>;
  error: string;
  attempts: number;
  at: Date;
}

export const DEAD_LETTER_MODEL = 'DeadLetter';

export const deadLetterSchema = new Schema<DeadLetterDocument>(
  {
    _id: String,
    kind: String,
    group: String,
    name: String,
    owner: String,
    payload: Schema.Types.Mixed,
    error: String,
    attempts: Number,
    at: Date,
  },
  { collection: 'dead_letters', versionKey: false, strict: 'throw', minimize: false, read: 'primary' },
);

/** The list, newest first. */
deadLetterSchema.index({ at: -1, _id: -1 });
