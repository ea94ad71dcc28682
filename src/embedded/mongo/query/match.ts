import type { Doc } from '../language/index.js';
import type { Row } from '../store/row.js';

/** A document that a query found, as it was then. */
export interface Match {
  readonly row: Row;
  readonly doc: Doc;
  readonly raw: Buffer;
  readonly textScore?: number;
}
