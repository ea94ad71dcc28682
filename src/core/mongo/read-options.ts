import type { Model } from 'mongoose';

/** What Mongoose adds to its queries, for a read by the driver: as bounded, and from the same server. */
export function readOptions<T>({ db, schema }: Model<T>): { maxTimeMS?: number; readPreference?: 'primary' } {
  return {
    maxTimeMS: db.get('maxTimeMS') as number | undefined,
    readPreference: schema.get('read') as 'primary' | undefined,
  };
}
