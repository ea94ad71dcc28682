import type { Doc } from '../language/index.js';

/** What a query asks for, before anything is decided about how. */
export interface QueryRequest {
  readonly filter: Doc;
  readonly sort?: Doc;
  readonly skip?: number;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** Name or key of an index, or `{$natural: ±1}`. */
  readonly hint?: unknown;
}

/** What queries look at, counted while they run. */
export interface QueryStats {
  keysExamined: number;
  docsExamined: number;
}
