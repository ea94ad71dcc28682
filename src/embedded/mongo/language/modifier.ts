import type { Doc } from './fault.js';
import type { Edit } from './update-paths.js';

export interface UpdateOptions {
  readonly now: Date;
  /** An upsert that found nothing: `$setOnInsert` counts. */
  readonly inserting: boolean;
  readonly arrayFilters?: Doc[];
  /** What selected the document: it decides what the positional `$` stands for. */
  readonly filter?: Doc;
}

/** Turns the operand of a modifier into an edit; throws MongoDB's fault for a bad operand. */
export interface Modifier {
  readonly creates: boolean;
  edit(operand: unknown, path: string, options: UpdateOptions): Edit;
}
