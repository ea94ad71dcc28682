import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import type { IndexSpec } from './index-spec.js';

export const TEXT_OPTIONS = ['weights', 'default_language', 'language_override', 'textIndexVersion'];

export const isTextKey = (key: Doc): boolean => Object.values(key).includes('text') || '_fts' in key;

/** Key and text properties of a text index, in the form in which MongoDB lists them. */
export function textSpec(asked: Doc, key: Doc): Pick<IndexSpec, 'key'> & Partial<IndexSpec> {
  if (asked['unique']) throw faults.cannotCreateIndex('text indexes cannot be unique');
  const language = asked['default_language'] ?? 'english';
  if (language !== 'none')
    throw faults.notSupported(`text indexes with default_language ${JSON.stringify(language)}, only 'none'`);
  return {
    key: listedKey(key),
    weights: weightsOf(key, asked['weights']),
    default_language: 'none',
    language_override: (asked['language_override'] as string | undefined) ?? 'language',
    textIndexVersion: 3,
  };
}

/** The text fields, which have to stand together, become one pair of fields. */
function listedKey(key: Doc): Doc {
  const listed: Doc = {};
  let texts: 'before' | 'inside' | 'behind' = 'before';
  for (const [path, order] of Object.entries(key)) {
    const isText = order === 'text' || path === '_fts' || path === '_ftsx';
    if (isText && texts === 'behind') throw faults.cannotCreateIndex("'text' fields in index must all be adjacent");
    if (isText && texts === 'before') Object.assign(listed, { _fts: 'text', _ftsx: 1 });
    if (isText) texts = 'inside';
    else listed[path] = Number(order);
    if (!isText && texts === 'inside') texts = 'behind';
  }
  return listed;
}

const MAX_WEIGHT = 99_999;

function weightsOf(key: Doc, asked: unknown): Record<string, number> {
  const weights = new Map<string, number>();
  for (const [path, order] of Object.entries(key)) if (order === 'text' && path !== '_fts') weights.set(path, 1);
  if (asked !== undefined && !isDocument(asked)) throw faults.cannotCreateIndex('weights must be an object');
  for (const [path, value] of Object.entries(asked ?? {})) {
    const weight = Number(value);
    if (!(weight >= 1 && weight <= MAX_WEIGHT))
      throw faults.cannotCreateIndex(
        `text index weight must be in the exclusive interval (0,100000) but found: ${String(value)}`,
      );
    weights.set(path, weight);
  }
  if (weights.has('$**')) throw faults.notSupported('text indexes on all fields');
  return Object.fromEntries([...weights].sort(([a], [b]) => (a < b ? -1 : 1)));
}
