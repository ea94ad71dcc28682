import { faults } from '../faults.js';
import { type Doc, compileProjection } from '../language/index.js';
import type { Match } from '../query/match.js';
import { type Change, changeRow, insertUpserted, updateOf } from './change.js';
import { type Call, type Command } from './command.js';
import { hintOf, matches } from './read.js';
import { arrayFiltersOf } from './update.js';

interface Outcome {
  readonly value: Doc | null;
  readonly lastErrorObject: Doc;
}

async function findAndModify(call: Call): Promise<Doc> {
  const filter = call.document('query') ?? {};
  const remove = call.boolean('remove', false);
  checkOptions(call, remove);
  // Before anything is written: a projection that makes no sense refuses the command.
  const project = compileProjection(call.document('fields'), filter);
  const request = { filter, sort: call.document('sort'), hint: hintOf(call.body['hint']), limit: 1 };
  const [match] = [...matches(call, call.collection, request)];
  const outcome = remove ? removed(call, match) : updated(call, filter, match);
  await call.engine.log.flushed();
  const value = outcome.value && project(outcome.value, { textScore: match?.textScore });
  return { lastErrorObject: outcome.lastErrorObject, value, ok: 1 };
}

function checkOptions(call: Call, remove: boolean): void {
  const update = call.body['update'];
  if (remove && update !== undefined) throw faults.failedToParse('Cannot specify both an update and remove=true');
  if (remove && call.boolean('upsert', false))
    throw faults.failedToParse('Cannot specify both upsert=true and remove=true');
  if (remove && call.boolean('new', false)) {
    throw faults.failedToParse(
      "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
    );
  }
  if (!remove && update === undefined) throw faults.failedToParse('Either an update or remove=true must be specified');
}

function removed(call: Call, match: Match | undefined): Outcome {
  if (!match) return { value: null, lastErrorObject: { n: 0 } };
  call.collection?.remove(match.row);
  call.engine.counters.deleted++;
  return { value: match.doc, lastErrorObject: { n: 1 } };
}

function updated(call: Call, filter: Doc, match: Match | undefined): Outcome {
  const wantsNew = call.boolean('new', false);
  const change: Change = {
    filter,
    update: updateOf(call.body['update']),
    arrayFilters: arrayFiltersOf(call.body['arrayFilters']),
    now: call.engine.now(),
  };
  const collection = call.collection;
  if (match && collection) {
    if (changeRow(collection, match.row, change)) call.engine.counters.updated++;
    return { value: wantsNew ? match.row.doc : match.doc, lastErrorObject: { n: 1, updatedExisting: true } };
  }
  if (!call.boolean('upsert', false)) return { value: null, lastErrorObject: { n: 0, updatedExisting: false } };
  const row = insertUpserted(call.engine.catalog.ensure(call.database, call.target), change);
  call.engine.counters.inserted++;
  const lastErrorObject = { n: 1, updatedExisting: false, upserted: row.doc['_id'] };
  return { value: wantsNew ? row.doc : null, lastErrorObject };
}

const FIELDS = [
  'query',
  'sort',
  'remove',
  'update',
  'new',
  'fields',
  'upsert',
  'arrayFilters',
  'hint',
  'bypassDocumentValidation',
];

export const findAndModifyCommands: readonly Command[] = [
  {
    name: 'findAndModify',
    aliases: ['findandmodify'],
    fields: FIELDS,
    refused: ['collation', 'let'],
    run: findAndModify,
  },
];
