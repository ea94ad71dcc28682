import type { BSONRegExp } from 'bson';
import { isDocument } from '../documents.js';
import { Tag, stringPrefix, tryEncode } from '../index/key.js';
import type { Doc } from '../language/index.js';
import {
  type Comparison,
  EVERYTHING,
  type Interval,
  NULL_POINT,
  comparison,
  contains,
  intersection,
  isEverything,
  pointAt,
  startingWith,
  union,
} from './intervals.js';
import { regexPrefix } from './regex-prefix.js';

/** What a part of a filter says about the index keys of one path: a match has at least one key inside. */
export interface Condition {
  readonly path: string;
  readonly intervals: readonly Interval[];
  /** A document whose only key lies inside is a match. */
  readonly exact: boolean;
  /** Nothing matches that lacks the field. */
  readonly present: boolean;
}

/** A filter as the planner sees it: all of `conditions`, one of each of `alternatives`, and perhaps more. */
export interface Analysis {
  readonly conditions: readonly Condition[];
  readonly alternatives: readonly (readonly Doc[])[];
  /** Nothing else is asked. */
  readonly complete: boolean;
}

interface Draft {
  readonly conditions: Condition[];
  readonly alternatives: (readonly Doc[])[];
  complete: boolean;
}

export function analyse(filter: Doc): Analysis {
  const draft: Draft = { conditions: [], alternatives: [], complete: true };
  collect(filter, '', draft);
  return draft;
}

function collect(filter: Doc, prefix: string, draft: Draft): void {
  for (const [name, value] of Object.entries(filter)) {
    if (!name.startsWith('$')) collectField(prefix + name, value, draft);
    else if (name === '$and') for (const clause of value as Doc[]) collect(clause, prefix, draft);
    else if (name === '$or' && prefix === '') collectAlternatives(value as Doc[], draft);
    else if (name !== '$comment') draft.complete = false;
  }
}

function collectAlternatives(branches: readonly Doc[], draft: Draft): void {
  if (branches.length === 1) collect(branches[0] as Doc, '', draft);
  else draft.alternatives.push(branches);
}

function collectField(path: string, value: unknown, draft: Draft): void {
  if (!isOperators(value)) {
    add(path, equality(value), draft);
    return;
  }
  for (const [operator, operand] of Object.entries(value)) collectOperator(path, operator, operand, value, draft);
}

function collectOperator(path: string, operator: string, operand: unknown, all: Doc, draft: Draft): void {
  switch (operator) {
    case '$options':
    case '$comment':
      return;
    case '$all':
      for (const one of operand as unknown[]) collectField(path, isOperators(one) ? one : { $eq: one }, draft);
      return;
    case '$elemMatch':
      collectElement(path, operand as Doc, draft);
      return;
    default:
      add(path, boundsOf(operator, operand, all), draft);
  }
}

/** All conditions of `$elemMatch` hold for one element, so those on the element itself may be intersected. */
function collectElement(path: string, operand: Doc, draft: Draft): void {
  draft.complete = false;
  if (!isOperators(operand) || /^\$(and|or|nor)$/.test(Object.keys(operand)[0] ?? '')) {
    const inner: Draft = { conditions: draft.conditions, alternatives: [], complete: false };
    collect(operand, `${path}.`, inner);
    return;
  }
  const parts = Object.entries(operand).map(([operator, value]) => boundsOf(operator, value, operand).intervals);
  const intervals = parts.reduce(
    (a, b) => (isEverything(a) ? b : isEverything(b) ? a : intersection(a, b)),
    EVERYTHING,
  );
  add(path, { intervals, exact: false, present: true }, draft);
}

function add(path: string, bounds: Bounds, draft: Draft): void {
  const present = bounds.present ?? !(isEverything(bounds.intervals) || contains(bounds.intervals, [NULL_POINT]));
  if (!bounds.exact) draft.complete = false;
  draft.conditions.push({ path, ...bounds, present });
}

interface Bounds {
  readonly intervals: readonly Interval[];
  readonly exact: boolean;
  readonly present?: boolean;
}

const UNKNOWN: Bounds = { intervals: EVERYTHING, exact: false };

function boundsOf(operator: string, operand: unknown, all: Doc): Bounds {
  switch (operator) {
    case '$eq':
      return isRegex(operand) ? exactly(operand) : equality(operand);
    case '$in':
      return membership(operand as unknown[]);
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return comparisonBounds(operator, operand);
    case '$exists':
      return operand ? { ...UNKNOWN, present: true } : { intervals: [NULL_POINT], exact: false, present: false };
    case '$regex':
      return regexBounds(operand, all['$options']);
    default:
      return UNKNOWN;
  }
}

function equality(value: unknown): Bounds {
  if (isRegex(value)) return regexBounds(value, undefined);
  return exactly(value);
}

/** An array equals itself as a whole, which no key shows. */
function exactly(value: unknown): Bounds {
  if (value === null || value === undefined) return { intervals: [NULL_POINT], exact: true };
  const encoded = Array.isArray(value) ? undefined : tryEncode(value);
  return encoded === undefined ? UNKNOWN : { intervals: [pointAt(encoded)], exact: true };
}

function membership(values: readonly unknown[]): Bounds {
  const each = values.map(equality);
  if (each.some(({ intervals }) => isEverything(intervals))) return UNKNOWN;
  return { intervals: union(each.flatMap(({ intervals }) => intervals)), exact: each.every(({ exact }) => exact) };
}

/** Types whose range is not the values of their own type. */
const UNBRACKETED: ReadonlySet<string> = new Set([Tag.minKey, Tag.maxKey, Tag.array, Tag.regex]);

function comparisonBounds(operator: Comparison, operand: unknown): Bounds {
  if (operand === null || operand === undefined) {
    return operator === '$gte' || operator === '$lte' ? { intervals: [NULL_POINT], exact: true } : UNKNOWN;
  }
  const encoded = tryEncode(operand);
  if (encoded === undefined || UNBRACKETED.has(encoded.slice(0, 1)) || Number.isNaN(operand)) return UNKNOWN;
  const interval = comparison(operator, encoded);
  return { intervals: interval.low < interval.high ? [interval] : [], exact: true };
}

/** A pattern finds strings, and stored patterns that are the same. */
function regexBounds(operand: unknown, options: unknown): Bounds {
  const pattern = isRegex(operand) ? operand.pattern : operand;
  const flags = options ?? (isRegex(operand) ? operand.options : '');
  if (typeof pattern !== 'string' || typeof flags !== 'string') return UNKNOWN;
  const strings = startingWith(stringPrefix(regexPrefix(pattern, flags)));
  return { intervals: [strings, startingWith(Tag.regex)], exact: false };
}

export const isRegex = (value: unknown): value is BSONRegExp =>
  typeof value === 'object' && value !== null && (value as Doc)['_bsontype'] === 'BSONRegExp';

/** `{$gt: 3}` rather than a document to compare with; `$ref` begins a reference. */
export const isOperators = (value: unknown): value is Doc =>
  isDocument(value) && /^\$(?!ref$|id$|db$)/.test(Object.keys(value)[0] ?? '');
