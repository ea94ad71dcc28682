import { faults } from '../faults.js';
import { pathValues } from '../index/path-values.js';
import { type Doc, hashKey } from '../language/index.js';
import { type Call, type Command } from './command.js';
import { countMatches, hintOf, matches } from './read.js';

function count(call: Call): Doc {
  const limit = Math.abs(Number(call.body['limit'] ?? 0));
  const request = {
    filter: call.document('query') ?? {},
    skip: call.count('skip', 0),
    limit,
    hint: hintOf(call.body['hint']),
  };
  return { n: countMatches(call, call.collection, request), ok: 1 };
}

function distinct(call: Call): Doc {
  const key = call.string('key', '');
  if (key === '') throw faults.missingField('distinct.key');
  const path = key.split('.');
  const values = new Map<string, unknown>();
  const request = { filter: call.document('query') ?? {}, hint: hintOf(call.body['hint']) };
  for (const { doc } of matches(call, call.collection, request)) {
    for (const value of pathValues(doc, path)) values.set(hashKey(value), value);
  }
  return { values: [...values.values()], ok: 1 };
}

export const countingCommands: readonly Command[] = [
  { name: 'count', fields: ['query', 'limit', 'skip', 'hint', 'fields'], refused: ['collation'], run: count },
  { name: 'distinct', fields: ['key', 'query', 'hint'], refused: ['collation'], run: distinct },
];
