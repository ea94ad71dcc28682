import type { Long } from 'bson';
import { FIRST_BATCH } from '../cursors.js';
import { encodeReply } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, compileProjection } from '../language/index.js';
import type { Match } from '../query/match.js';
import type { QueryRequest } from '../query/request.js';
import { requireScore } from '../query/sorting.js';
import { mentionsText } from '../query/text-search.js';
import { type Call, type Command, numberOf } from './command.js';
import { REFUSED_READ_OPTIONS, hintOf, matches, ownerOf } from './read.js';

/** Also accepted, for these change nothing on a server without shards, oplog and memory limit. */
const HARMLESS = ['allowDiskUse', 'allowPartialResults', 'oplogReplay'];

const FIND_FIELDS = [
  'filter',
  'sort',
  'projection',
  'skip',
  'limit',
  'batchSize',
  'singleBatch',
  'hint',
  'noCursorTimeout',
];

export const findRequest = (call: Call): QueryRequest => ({
  filter: call.document('filter') ?? {},
  sort: call.document('sort'),
  skip: call.count('skip', 0),
  limit: call.count('limit', 0),
  hint: hintOf(call.body['hint']),
});

function find(call: Call): Buffer {
  const request = findRequest(call);
  requireScore(call.document('projection'), mentionsText(request.filter));
  const found = matches(call, call.collection, request);
  const source = encoded(found, call.document('projection'), request.filter);
  const owner = ownerOf(call, call.boolean('noCursorTimeout', false));
  const size = call.count('batchSize', FIRST_BATCH);
  const first = { size, limit: request.limit, deadline: call.deadline, single: call.boolean('singleBatch', false) };
  return call.engine.cursors.reply(call.namespace, source, owner, first);
}

/** The bytes of each result: those that are stored, unless a projection makes a new document. */
function encoded(found: Iterator<Match>, projection: Doc | undefined, filter: Doc): Iterator<Uint8Array> {
  if (!projection || Object.keys(projection).length === 0) return map(found, (match) => match.raw);
  const project = compileProjection(projection, filter);
  return map(found, ({ doc, textScore }) => encodeReply(project(doc, { textScore })));
}

function* map<A, B>(source: Iterator<A>, change: (value: A) => B): Generator<B> {
  for (let next = source.next(); !next.done; next = source.next()) yield change(next.value);
}

function getMore(call: Call): Buffer {
  const [id] = Object.values(call.body);
  if ((id as Long | undefined)?._bsontype !== 'Long') throw call.wrongType('getMore', 'long');
  const namespace = `${call.database}.${call.string('collection', '')}`;
  return call.engine.cursors.next((id as Long).toBigInt(), namespace, call.count('batchSize', 0));
}

function killCursors(call: Call): Doc {
  const ids = call.body['cursors'];
  if (!Array.isArray(ids)) throw call.wrongType('cursors', 'array');
  const killed: unknown[] = [];
  const missing: unknown[] = [];
  for (const id of ids as Long[]) {
    if (numberOf(id) === undefined) throw faults.typeMismatch('cursor ids are of type long');
    (call.engine.cursors.kill(BigInt(id.toString())) ? killed : missing).push(id);
  }
  return { cursorsKilled: killed, cursorsNotFound: missing, cursorsAlive: [], cursorsUnknown: [], ok: 1 };
}

export const findCommands: readonly Command[] = [
  { name: 'find', fields: [...FIND_FIELDS, ...HARMLESS], refused: REFUSED_READ_OPTIONS, run: find },
  { name: 'getMore', fields: ['collection', 'batchSize'], run: getMore },
  { name: 'killCursors', fields: ['cursors'], run: killCursors },
];
