import type { mongo } from 'mongoose';
import { createHash } from 'node:crypto';

/** A part of a migration. It bears being run again: whoever comes after a crash begins the migration anew. */
export interface Step {
  /** What it does, completely: for the person who asks, and for the checksum. */
  readonly does: string;
  readonly run: (db: mongo.Db) => Promise<unknown>;
}

/**
 * A change of what is stored, made once for a database. The release before runs beside it and must bear it: expand
 * (add a field, an index), and contract only when no process is left that needs the old form.
 */
export interface Migration {
  /** `0001-initial-indexes`: its place in the order and its name for ever. */
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Tells a migration that was changed after it had been applied. */
export const checksumOf = ({ steps }: Migration): string =>
  createHash('sha256')
    .update(JSON.stringify(steps.map(({ does }) => does)))
    .digest('hex');

/** Builds what is missing, while reads and writes go on (MongoDB ≥ 4.4); what is there as it should be stays. */
export const createIndexes = (collection: string, indexes: mongo.IndexDescription[]): Step => ({
  does: `create indexes of ${collection}: ${JSON.stringify(indexes)}`,
  run: (db) => db.collection(collection).createIndexes(indexes),
});
