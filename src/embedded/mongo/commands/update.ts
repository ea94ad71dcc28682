import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import { type Call, type Command } from './command.js';
import { type Change, changeRow, insertUpserted, isReplacement, updateOf } from './change.js';
import { hintOf, matches } from './read.js';
import { checkStatements, runStatements } from './write-result.js';

const STATEMENT_FIELDS = ['q', 'u', 'upsert', 'multi', 'arrayFilters', 'hint'];
const REFUSED_STATEMENT_FIELDS = ['collation', 'c', 'sort'];

interface Outcome {
  readonly matched: number;
  readonly modified: number;
  readonly upserted?: unknown;
}

async function update(call: Call): Promise<Doc> {
  const statements = call.documents('updates');
  checkStatements('update.updates', statements, STATEMENT_FIELDS, REFUSED_STATEMENT_FIELDS);
  const upserted: Doc[] = [];
  let n = 0;
  let nModified = 0;
  const errors = runStatements(statements.length, call.boolean('ordered', true), (index) => {
    const outcome = runStatement(call, statements[index] as Doc);
    n += outcome.matched;
    nModified += outcome.modified;
    if (outcome.upserted !== undefined) upserted.push({ index, _id: outcome.upserted });
  });
  call.engine.counters.updated += nModified;
  call.engine.counters.inserted += upserted.length;
  await call.engine.log.flushed();
  return { n, nModified, ...(upserted.length > 0 ? { upserted } : {}), ...errors, ok: 1 };
}

function runStatement(call: Call, statement: Doc): Outcome {
  const change = changeOf(call, statement);
  const multi = statement['multi'] === true;
  if (multi && isReplacement(change.update)) {
    throw faults.failedToParse('multi update is not supported for replacement-style update');
  }
  const request = { filter: change.filter, hint: hintOf(statement['hint']), limit: multi ? 0 : 1 };
  // All matches first: a document that its own update moves ahead of the scan must not be met again.
  const found = [...matches(call, call.collection, request)];
  const collection = call.collection;
  if (found.length === 0 || !collection) {
    if (statement['upsert'] !== true) return { matched: 0, modified: 0 };
    const row = insertUpserted(call.engine.catalog.ensure(call.database, call.target), change);
    return { matched: 1, modified: 0, upserted: row.doc['_id'] };
  }
  let modified = 0;
  for (const { row } of found) if (changeRow(collection, row, change)) modified++;
  return { matched: found.length, modified };
}

function changeOf(call: Call, statement: Doc): Change {
  const { q, u, arrayFilters } = statement;
  if (!isDocument(q))
    throw faults.typeMismatch("BSON field 'update.updates.q' is the wrong type, expected type 'object'");
  return { filter: q, update: updateOf(u), arrayFilters: arrayFiltersOf(arrayFilters), now: call.engine.now() };
}

export function arrayFiltersOf(value: unknown): Doc[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every(isDocument))
    throw faults.typeMismatch('arrayFilters must be an array of objects');
  return value;
}

export const updateCommands: readonly Command[] = [
  { name: 'update', fields: ['updates', 'ordered', 'bypassDocumentValidation'], refused: ['let'], run: update },
];
