import { compileFilter } from '../language/index.js';
import { encodeReply } from '../documents.js';
import { FIRST_BATCH, type CursorOwner } from '../cursors.js';
import type { Match } from '../query/match.js';
import { Query } from '../query/query.js';
import type { QueryRequest } from '../query/request.js';
import { compareMatches } from '../query/sorting.js';
import { extractText } from '../query/text-search.js';
import type { Collection } from '../store/collection.js';
import type { Call } from './command.js';
import { numberOf } from './command.js';
import { sessionKey } from './handshake.js';
import { faults } from '../faults.js';
import { isDocument } from '../documents.js';

/** Fields of reading commands that MongoDB knows and that would change their result. */
export const REFUSED_READ_OPTIONS = [
  'collation',
  'let',
  'min',
  'max',
  'returnKey',
  'showRecordId',
  'tailable',
  'awaitData',
];

/** The matches of a query. An absent collection is an empty one. */
export function matches(
  call: Call,
  collection: Collection | undefined,
  request: QueryRequest,
): Iterable<Match> & Iterator<Match> {
  return queryOf(call, collection, request)?.matches() ?? [].values();
}

/** How many match. */
export const countMatches = (call: Call, collection: Collection | undefined, request: QueryRequest): number =>
  queryOf(call, collection, request)?.count() ?? 0;

/** What the query looks at goes into the counters of the server at once. */
function queryOf(call: Call, collection: Collection | undefined, request: QueryRequest): Query | undefined {
  if (collection) return new Query(collection, request, call.engine.counters, call.deadline);
  validate(request);
  return undefined;
}

/** A query on nothing is still refused when it makes no sense. */
function validate({ filter, sort }: QueryRequest): void {
  compileFilter(extractText(filter).filter);
  if (sort && !('$natural' in sort)) compareMatches(sort);
}

export const ownerOf = (call: Call, immortal = false): CursorOwner => ({
  session: sessionKey(call.body['lsid']),
  connectionId: call.connection.id,
  immortal,
});

/** `cursor.batchSize` of an aggregation or a list command. */
export function cursorBatchSize(call: Call): number {
  const size = call.document('cursor')?.['batchSize'];
  if (size === undefined) return FIRST_BATCH;
  const number = numberOf(size);
  if (number === undefined || number < 0) throw call.wrongType('cursor.batchSize', 'number');
  return number;
}

/** The reply for a list that is already complete. */
export function listReply(call: Call, namespace: string, documents: readonly object[]): Buffer {
  const source = documents.map((document) => encodeReply(document as never)).values();
  return call.engine.cursors.reply(namespace, source, ownerOf(call), { size: cursorBatchSize(call) });
}

/** `hint` of a query: a name, a key, or nothing. */
export function hintOf(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  if (!isDocument(value)) throw faults.badValue('hint must be a string or an object');
  return Object.keys(value).length === 0 ? undefined : value;
}
