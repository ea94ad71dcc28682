import { type Doc, compileFilter, compileSort } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import type { Row } from '../store/row.js';
import type { Deadline } from './deadline.js';
import type { QueryRequest, QueryStats } from './request.js';

export interface Match {
  readonly row: Row;
  /** Of the version that matched. */
  readonly doc: Doc;
  readonly raw: Buffer;
  readonly textScore?: number;
}

export function* findMatches(
  collection: Collection,
  request: QueryRequest,
  stats: QueryStats,
  deadline: Deadline,
): Generator<Match> {
  const { skip = 0, limit = 0, sort } = request;
  const filter = compileFilter(request.filter);
  let found: Iterable<Match> = scan(collection, filter, stats, deadline);
  if (sort && Object.keys(sort).length > 0) {
    const compare = compileSort(sort);
    found = [...found].sort((a, b) => compare(a.doc, b.doc));
  }
  let place = 0;
  for (const match of found) {
    if (place++ < skip) continue;
    yield match;
    if (limit > 0 && place >= skip + limit) return;
  }
}

function* scan(
  collection: Collection,
  filter: (doc: Doc) => boolean,
  stats: QueryStats,
  deadline: Deadline,
): Generator<Match> {
  for (const row of collection.rows.values()) {
    deadline.step();
    stats.docsExamined++;
    if (filter(row.doc)) yield { row, doc: row.doc, raw: row.raw };
  }
}
