import { prepare } from '../documents.js';
import type { Doc } from '../language/index.js';
import { type Call, type Command } from './command.js';
import { checkCount, runStatements } from './write-result.js';

async function insert(call: Call): Promise<Doc> {
  const { engine, message } = call;
  const documents = call.documents('documents');
  checkCount(documents.length);
  const sent = message.raw.get('documents');
  let n = 0;
  const errors = runStatements(documents.length, call.boolean('ordered', true), (i) => {
    const stored = prepare(documents[i] as Doc, sent?.[i]);
    engine.catalog.ensure(call.database, call.target).insert(stored);
    n++;
  });
  engine.counters.inserted += n;
  await engine.log.flushed();
  return { n, ...errors, ok: 1 };
}

export const insertCommands: readonly Command[] = [
  { name: 'insert', fields: ['documents', 'ordered', 'bypassDocumentValidation'], run: insert },
];
