import { Schema } from 'mongoose';
import type { AuditEntry } from './audit.js';

export interface AuditDocument extends Omit<AuditEntry, 'id'> {
  _id: string;
}

export const AUDIT_MODEL = 'Audit';

export const auditSchema = new Schema<AuditDocument>(
  {
    _id: String,
    at: Date,
    actor: String,
    action: String,
    target: String,
    ip: String,
    before: Schema.Types.Mixed,
    after: Schema.Types.Mixed,
  },
  { collection: 'audit', versionKey: false, strict: 'throw' },
);

// The whole log.
auditSchema.index({ at: -1, _id: -1 });
// What one admin did; blanking the addresses of one who is gone.
auditSchema.index({ actor: 1, at: -1, _id: -1 });
// One kind of action.
auditSchema.index({ action: 1, at: -1, _id: -1 });
