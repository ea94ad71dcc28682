import { Schema } from 'mongoose';

export interface LeaseDocument {
  /** What is leased. */
  _id: string;
  holder: string;
  until: Date;
}

export const LEASE_MODEL = 'Lease';

export const leaseSchema = new Schema<LeaseDocument>(
  { _id: String, holder: String, until: Date },
  { collection: 'leases', versionKey: false },
);
