import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, compileFilter, valuesEqual } from '../language/index.js';
import type { IndexSpec } from './index-spec.js';
import { TEXT_OPTIONS, isTextKey, textSpec } from './text-spec.js';

const FLAGS = ['unique', 'sparse'] as const;
/** Accepted and without effect: builds block no one for long here, and there is one format of keys. */
const IGNORED = ['background', 'v', 'ns'];
const KNOWN = new Set(['key', 'name', ...FLAGS, 'partialFilterExpression', 'expireAfterSeconds', ...IGNORED]);

/** The index that a `createIndexes` asks for, as it is stored and listed. @throws MongoFault */
export function parseIndexSpec(asked: Doc): IndexSpec {
  const { key, name } = asked;
  if (!isDocument(key) || Object.keys(key).length === 0)
    throw faults.cannotCreateIndex('Index keys cannot be an empty object');
  if (typeof name !== 'string' || name === '')
    throw faults.cannotCreateIndex('The index name must be a string that is not empty');
  const isText = isTextKey(key);
  for (const [field, value] of Object.entries(asked)) refuseUnknown(field, value, isText);
  for (const [path, order] of Object.entries(key)) checkKeyField(path, order);
  return {
    v: 2,
    key: Object.fromEntries(Object.entries(key).map(([path, order]) => [path, Number(order)])),
    ...(isText ? textSpec(asked, key) : {}),
    name,
    ...flagsOf(asked),
    ...partialOf(asked, key),
    ...expiryOf(asked, key),
  };
}

function refuseUnknown(field: string, value: unknown, isText: boolean): void {
  if (KNOWN.has(field) || (isText && TEXT_OPTIONS.includes(field))) return;
  const harmless = value === undefined || value === null || value === false;
  if (!harmless && !(isDocument(value) && value['locale'] === 'simple'))
    throw faults.notSupported(`the index option '${field}'`);
}

function checkKeyField(path: string, order: unknown): void {
  if (order === 'text') return;
  const direction = typeof order === 'string' ? Number.NaN : Number(order);
  if (typeof order === 'string') throw faults.notSupported(`indexes of type '${order}'`);
  if (!Number.isFinite(direction) || direction === 0)
    throw faults.cannotCreateIndex(`Values in the index key pattern cannot be 0. Found: ${path}`);
  const parts = path.split('.');
  if (parts.includes('')) throw faults.cannotCreateIndex('Index keys cannot contain an empty field.');
  if (parts.some((part) => part.startsWith('$'))) throw faults.notSupported('wildcard indexes');
  if (parts.some((part) => /^\d+$/.test(part))) throw faults.notSupported('positions of arrays in an index key');
}

function flagsOf(asked: Doc): Partial<IndexSpec> {
  return Object.fromEntries(FLAGS.filter((flag) => Boolean(asked[flag])).map((flag) => [flag, true]));
}

const PARTIAL_OPERATORS = new Set(['$eq', '$gt', '$gte', '$lt', '$lte', '$in', '$type', '$exists']);

function partialOf(asked: Doc, key: Doc): Partial<IndexSpec> {
  const filter = asked['partialFilterExpression'];
  if (filter === undefined) return {};
  if (!isDocument(filter)) throw faults.cannotCreateIndex("'partialFilterExpression' must be an object");
  if (asked['sparse']) throw faults.cannotCreateIndex('cannot mix "partialFilterExpression" and "sparse" options');
  if ('_id' in key && Object.keys(key).length === 1)
    throw faults.cannotCreateIndex('_id index cannot be a partial index');
  checkPartialFilter(filter);
  compileFilter(filter);
  return { partialFilterExpression: filter };
}

function checkPartialFilter(filter: Doc): void {
  for (const [name, condition] of Object.entries(filter)) {
    if (name === '$and') for (const clause of condition as Doc[]) checkPartialFilter(clause);
    else if (name.startsWith('$')) throw unsupportedPartial(name);
    else if (isDocument(condition)) checkPartialCondition(condition);
  }
}

function checkPartialCondition(condition: Doc): void {
  for (const [operator, operand] of Object.entries(condition)) {
    if (!operator.startsWith('$')) return;
    if (!PARTIAL_OPERATORS.has(operator) || (operator === '$exists' && !operand)) throw unsupportedPartial(operator);
  }
}

const unsupportedPartial = (operator: string) =>
  faults.cannotCreateIndex(`Expression not supported in partial index: ${operator}`);

const MAX_SECONDS = 2 ** 31 - 1;

function expiryOf(asked: Doc, key: Doc): Partial<IndexSpec> {
  if (asked['expireAfterSeconds'] === undefined) return {};
  const seconds = Number(asked['expireAfterSeconds']);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw faults.cannotCreateIndex(
      `TTL index 'expireAfterSeconds' option must be within an acceptable range: 0 to ${MAX_SECONDS}`,
    );
  }
  const [path, ...others] = Object.keys(key);
  if (others.length > 0) {
    throw faults.cannotCreateIndex('TTL indexes are single-field indexes, compound indexes do not support TTL');
  }
  if (path === '_id')
    throw faults.cannotCreateIndex("The field 'expireAfterSeconds' is not valid for an _id index specification");
  return { expireAfterSeconds: seconds };
}

/** Whether two indexes of one name and key are the same in everything else. */
export const sameOptions = (a: IndexSpec, b: IndexSpec): boolean =>
  valuesEqual(a.unique ?? false, b.unique ?? false) &&
  valuesEqual(a.sparse ?? false, b.sparse ?? false) &&
  valuesEqual(a.partialFilterExpression, b.partialFilterExpression) &&
  valuesEqual(a.expireAfterSeconds, b.expireAfterSeconds);
