import { encodeReply } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, runPipeline } from '../language/index.js';
import { type Call, type Command } from './command.js';
import { cursorBatchSize, hintOf, matches, ownerOf } from './read.js';

const HARMLESS = ['allowDiskUse', 'bypassDocumentValidation'];

function aggregate(call: Call): Buffer {
  if (typeof Object.values(call.body)[0] === 'number') throw faults.notSupported('aggregations on a database');
  if (call.body['cursor'] === undefined && call.body['explain'] === undefined) {
    throw faults.failedToParse("The 'cursor' option is required, except for aggregate with the explain argument");
  }
  const pipeline = call.documents('pipeline');
  const first = pipeline[0]?.['$match'];
  const filter = (first ?? {}) as Doc;
  const source = documents(matches(call, call.collection, { filter, hint: hintOf(call.body['hint']) }));
  const context = { now: call.engine.now(), collection: (name: string) => allDocuments(call, name) };
  const results = runPipeline(source, first === undefined ? pipeline : pipeline.slice(1), context);
  const encoded = results.map((doc) => encodeReply(doc)).values();
  return call.engine.cursors.reply(call.namespace, encoded, ownerOf(call), { size: cursorBatchSize(call) });
}

function* documents(found: Iterable<{ doc: Doc }>): Generator<Doc> {
  for (const { doc } of found) yield doc;
}

/** Another collection of the same database, for `$lookup`. */
function* allDocuments(call: Call, name: string): Generator<Doc> {
  yield* documents(matches(call, call.engine.catalog.find(call.database, name), { filter: {} }));
}

export const aggregateCommands: readonly Command[] = [
  {
    name: 'aggregate',
    fields: ['pipeline', 'cursor', 'hint', 'explain', ...HARMLESS],
    refused: ['collation', 'let'],
    run: aggregate,
  },
];
