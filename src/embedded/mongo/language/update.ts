import { ArrayFilters } from './array-filters.js';
import { type Doc, MongoFault, badValue, failedToParse } from './fault.js';
import { identical } from './identical.js';
import { valuesEqual } from './compare.js';
import { show } from './show.js';
import type { UpdateOptions } from './modifier.js';
import { type Change, parseChanges } from './update-changes.js';
import { type Route, changeAt } from './update-paths.js';
import { matchedPosition } from './position.js';
import { arrayPosition } from './paths.js';
import { own } from './values.js';

export type { UpdateOptions } from './modifier.js';

/**
 * The document after an update or replacement; the same object if nothing changes (the type of a number
 * counts). With `inserting`, `doc` is the seed from `documentFromFilter`, and an `_id` may be missing from
 * the result: the caller makes one and puts it first.
 */
export function applyUpdate(doc: Doc, update: Doc, options: UpdateOptions): Doc {
  if (Array.isArray(update)) throw failedToParse('pipeline-style updates are not supported');
  const first = Object.keys(update)[0];
  const result = first?.startsWith('$') === true ? modify(doc, update, options) : replace(doc, update);
  return identical(doc, result) ? doc : result;
}

function replace(doc: Doc, replacement: Doc): Doc {
  for (const name of Object.keys(replacement)) {
    if (name.startsWith('$')) {
      throw new MongoFault(
        52,
        'DollarPrefixedFieldName',
        `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
      );
    }
  }
  const id = own(doc, '_id');
  const next = own(replacement, '_id');
  if (id !== undefined && next !== undefined && !valuesEqual(id, next)) {
    throw new MongoFault(
      66,
      'ImmutableField',
      `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${show(next)}`,
    );
  }
  return withIdFirst({ ...replacement }, id ?? next);
}

function withIdFirst(doc: Doc, id: unknown): Doc {
  if (id === undefined || Object.keys(doc)[0] === '_id') return doc;
  const { _id: _, ...rest } = doc;
  return { _id: id, ...rest };
}

function modify(doc: Doc, update: Doc, options: UpdateOptions): Doc {
  const filters = new ArrayFilters(options.arrayFilters ?? [], update);
  const changes = parseChanges(update, options);
  const touched = new Set<string>();
  let result = doc;
  for (const change of changes) {
    const route = routeOf(change.path, doc, filters, options, touched);
    result = applyChange(result, doc, change, route);
  }
  filters.assertAllUsed();
  return withIdFirst(result, own(result, '_id'));
}

function applyChange(result: Doc, original: Doc, change: Change, route: Route): Doc {
  const next =
    change.move === undefined ? changeAt(result, route, change.edit, change.creates) : change.move(result, route);
  const id = own(original, '_id');
  if (id !== undefined && !valuesEqual(id, own(next, '_id') ?? null)) {
    throw new MongoFault(
      66,
      'ImmutableField',
      `Performing an update on the path '${change.immutablePath}' would modify the immutable field '_id'`,
    );
  }
  return next;
}

/** Replaces `$` by the position that the filter matched and binds `$[name]` to its filter. */
function routeOf(path: string, doc: Doc, filters: ArrayFilters, options: UpdateOptions, touched: Set<string>): Route {
  const parts = path.split('.');
  const at = parts.indexOf('$');
  if (at === 0) throw badValue(`Cannot have positional (i.e. '$') element in the first position in path '${path}'`);
  if (at > 0) {
    if (parts.includes('$', at + 1)) {
      throw badValue(`Too many positional (i.e. '$') elements found in path '${path}'`);
    }
    parts[at] = String(matchedPosition(doc, options.filter ?? {}, parts.slice(0, at)));
  }
  const selects = parts.map((part) => filters.selector(part, path));
  return { parts, positions: parts.map(arrayPosition), selects, root: doc, touched };
}
