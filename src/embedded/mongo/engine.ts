import type { Counters } from './counters.js';
import type { Cursors } from './cursors.js';
import type { Catalog } from './store/catalog.js';
import type { Log } from './store/log.js';

/** What commands work on. */
export interface Engine {
  readonly catalog: Catalog;
  readonly log: Log;
  readonly cursors: Cursors;
  readonly counters: Counters;
  /** The server's clock, for `$currentDate`, `$$NOW` and TTL indexes. */
  now(): Date;
}
