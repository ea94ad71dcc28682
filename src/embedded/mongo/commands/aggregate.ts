import { encodeReply, isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, runPipeline } from '../language/index.js';
import type { Match } from '../query/match.js';
import { type Call, type Command } from './command.js';
import { type SplitPipeline, splitPipeline } from './pipeline-head.js';
import { countMatches, cursorBatchSize, hintOf, matches, ownerOf } from './read.js';
import { isTextScore } from '../query/sorting.js';

const HARMLESS = ['allowDiskUse', 'bypassDocumentValidation'];

function aggregate(call: Call): Buffer {
  if (typeof Object.values(call.body)[0] === 'number') throw faults.notSupported('aggregations on a database');
  if (call.body['cursor'] === undefined) {
    throw faults.failedToParse("The 'cursor' option is required, except for aggregate with the explain argument");
  }
  const split = splitPipeline(call.documents('pipeline'), hintOf(call.body['hint']));
  const first = { size: cursorBatchSize(call), deadline: call.deadline };
  return call.engine.cursors.reply(call.namespace, results(call, split), ownerOf(call), first);
}

function results(call: Call, split: SplitPipeline): Iterator<Uint8Array> {
  const { request, rest, countAs } = split;
  if (countAs !== undefined) return counted(countMatches(call, call.collection, request), countAs);
  const found = matches(call, call.collection, request);
  if (rest.length === 0) return stored(found);
  const { documents, stages } = withScores(found, rest);
  const context = { now: call.engine.now(), collection: (name: string) => allDocuments(call, name) };
  return encoded(runPipeline(documents, stages, context));
}

function* stored(found: Iterable<Match>): Generator<Uint8Array> {
  for (const { raw } of found) yield raw;
}

function* encoded(documents: readonly Doc[]): Generator<Uint8Array> {
  for (const document of documents) yield encodeReply(document);
}

/** `$group` makes no document of nothing. */
function counted(n: number, template: { _id: unknown; field: string }): Iterator<Uint8Array> {
  return (n === 0 ? [] : [encodeReply({ _id: template._id, [template.field]: n })]).values();
}

/** Scores are not in the documents: a stage that shows them gets them as a field. */
function withScores(found: Iterable<Match>, rest: readonly Doc[]): { documents: Iterable<Doc>; stages: Doc[] } {
  const [[name = '', spec] = []] = rest.map((stage) => Object.entries(stage)[0]);
  const shown = isDocument(spec) ? Object.keys(spec).filter((field) => isTextScore(spec[field])) : [];
  if (shown.length === 0 || !['$project', '$addFields', '$set'].includes(name))
    return { documents: plain(found), stages: [...rest] };
  const fields = Object.entries(spec as Doc).flatMap(([field, value]) => {
    if (!shown.includes(field)) return [[field, value] as const];
    return name === '$project' ? [[field, 1] as const] : [];
  });
  const stages = fields.length === 0 ? rest.slice(1) : [{ [name]: Object.fromEntries(fields) }, ...rest.slice(1)];
  return { documents: scored(found, shown), stages };
}

function* plain(found: Iterable<Match>): Generator<Doc> {
  for (const { doc } of found) yield doc;
}

function* scored(found: Iterable<Match>, fields: readonly string[]): Generator<Doc> {
  for (const { doc, textScore } of found) {
    if (textScore === undefined) throw faults.noTextScore();
    yield { ...doc, ...Object.fromEntries(fields.map((field) => [field, textScore])) };
  }
}

/** Another collection of the same database, for `$lookup`. */
function* allDocuments(call: Call, name: string): Generator<Doc> {
  yield* plain(matches(call, call.engine.catalog.find(call.database, name), { filter: {} }));
}

export const aggregateCommands: readonly Command[] = [
  {
    name: 'aggregate',
    fields: ['pipeline', 'cursor', 'hint', ...HARMLESS],
    refused: ['collation', 'let', 'explain'],
    run: aggregate,
  },
];
