import { ObjectId } from 'bson';
import { type Stored, decode, encode, isDocument, prepare } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, MongoFault, applyUpdate, documentFromFilter, runPipeline, valuesEqual } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import type { Row } from '../store/row.js';

/** What an `update` statement or a `findAndModify` does to a document. */
export interface Change {
  readonly filter: Doc;
  /** Operators, a whole document, or a pipeline. */
  readonly update: Doc | readonly Doc[];
  readonly arrayFilters?: Doc[];
  readonly now: Date;
}

const PIPELINE_STAGES = new Set(['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith']);

/** Reads the update of a statement. @throws MongoFault for anything that is neither of the three forms */
export function updateOf(value: unknown): Doc | readonly Doc[] {
  if (Array.isArray(value)) return pipelineOf(value);
  if (!isDocument(value)) throw faults.failedToParse('Update argument must be either an object or an array');
  return value;
}

function pipelineOf(stages: readonly unknown[]): readonly Doc[] {
  for (const stage of stages) {
    const name = isDocument(stage) ? Object.keys(stage)[0] : undefined;
    if (name === undefined || !PIPELINE_STAGES.has(name)) {
      throw faults.invalidOptions(`${String(name)} is not allowed to be used within an update`);
    }
  }
  return stages as readonly Doc[];
}

export const isReplacement = (update: Doc | readonly Doc[]): boolean =>
  !Array.isArray(update) && !(Object.keys(update)[0] ?? '').startsWith('$');

/** Writes the new version of a stored document. @returns whether it differs from the old one */
export function changeRow(collection: Collection, row: Row, change: Change): boolean {
  const next = withStoredId(row.doc, evaluate(row.doc, change, false));
  const raw = encode(next);
  if (raw.equals(row.raw)) return false;
  collection.replace(row, normal(raw));
  return true;
}

/** Inserts what an upsert makes of its filter and its update. */
export function insertUpserted(collection: Collection, change: Change): Row {
  const seed = documentFromFilter(change.filter);
  const made = evaluate(seed, change, true);
  const id = made['_id'] ?? seed['_id'];
  if (seed['_id'] !== undefined && !valuesEqual(seed['_id'], id)) throw faults.immutableId();
  return collection.insert(prepare({ _id: id ?? new ObjectId(), ...withoutId(made) }));
}

function evaluate(doc: Doc, change: Change, inserting: boolean): Doc {
  const { update, now, arrayFilters, filter } = change;
  if (Array.isArray(update)) {
    const [made] = runPipeline([doc], [...(update as Doc[])], { now, collection: () => [] });
    return made ?? {};
  }
  if (isReplacement(update)) return replacement(update as Doc);
  return applyUpdate(doc, update as Doc, { now, inserting, arrayFilters, filter });
}

function replacement(update: Doc): Doc {
  const operator = Object.keys(update).find((name) => name.startsWith('$'));
  if (operator === undefined) return update;
  const message = `The dollar ($) prefixed field '${operator}' in '${operator}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`;
  throw new MongoFault(52, 'DollarPrefixedFieldName', message);
}

/** `_id` in first place and unchanged. */
function withStoredId(before: Doc, after: Doc): Doc {
  const id = before['_id'];
  if (after['_id'] !== undefined && after['_id'] !== id && !valuesEqual(after['_id'], id)) throw faults.immutableId();
  return Object.keys(after)[0] === '_id' ? after : { _id: id, ...withoutId(after) };
}

function withoutId(doc: Doc): Doc {
  const { _id, ...rest } = doc;
  return rest;
}

/** As recovery would read it, so that a restart changes nothing, not even the type of a number. */
const normal = (raw: Buffer): Stored => ({ doc: decode(raw), raw });
