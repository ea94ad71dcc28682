import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import { type Call, type Command, numberOf } from './command.js';
import { hintOf, matches } from './read.js';
import { checkStatements, runStatements } from './write-result.js';

async function remove(call: Call): Promise<Doc> {
  const statements = call.documents('deletes');
  checkStatements('delete.deletes', statements, ['q', 'limit', 'hint'], ['collation']);
  let n = 0;
  const errors = runStatements(statements.length, call.boolean('ordered', true), (index) => {
    n += runStatement(call, statements[index] as Doc);
  });
  call.engine.counters.deleted += n;
  await call.engine.log.flushed();
  return { n, ...errors, ok: 1 };
}

function runStatement(call: Call, statement: Doc): number {
  const { q, hint } = statement;
  const limit = numberOf(statement['limit']);
  if (!isDocument(q))
    throw faults.typeMismatch("BSON field 'delete.deletes.q' is the wrong type, expected type 'object'");
  if (limit !== 0 && limit !== 1) {
    throw faults.failedToParse(`The limit field in delete objects must be 0 or 1. Got ${String(statement['limit'])}`);
  }
  const found = [...matches(call, call.collection, { filter: q, hint: hintOf(hint), limit })];
  for (const { row } of found) call.collection?.remove(row);
  return found.length;
}

export const deleteCommands: readonly Command[] = [
  { name: 'delete', fields: ['deletes', 'ordered'], refused: ['let'], run: remove },
];
