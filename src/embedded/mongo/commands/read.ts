import { compileFilter, compileSort } from '../language/index.js';
import { encodeReply } from '../documents.js';
import { FIRST_BATCH, type CursorOwner } from '../cursors.js';
import { type Match, findMatches } from '../query/query.js';
import { type QueryRequest, QueryStats } from '../query/request.js';
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

/** The matches of a query, counted. An absent collection is an empty one. */
export function* matches(call: Call, collection: Collection | undefined, request: QueryRequest): Generator<Match> {
  if (!collection) {
    validate(request);
    return;
  }
  const stats = new QueryStats();
  try {
    yield* findMatches(collection, request, stats, call.deadline);
  } finally {
    call.engine.counters.keysExamined += stats.keysExamined;
    call.engine.counters.docsExamined += stats.docsExamined;
  }
}

/** A query on nothing is still refused when it makes no sense. */
function validate(request: QueryRequest): void {
  compileFilter(request.filter);
  if (request.sort) compileSort(request.sort);
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
