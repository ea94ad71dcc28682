import { type Doc, MongoFault, badValue, failedToParse } from './fault.js';
import { show } from './show.js';
import { ARRAY_MODIFIERS } from './update-arrays.js';
import { FIELD_MODIFIERS } from './update-fields.js';
import type { Modifier, UpdateOptions } from './modifier.js';
import { type Edit, type Route, changeAt } from './update-paths.js';
import { isDoc, own, typeName } from './values.js';

export interface Change {
  readonly path: string;
  readonly creates: boolean;
  readonly edit: Edit;
  /** `$rename` touches two places. */
  readonly move?: (doc: Doc, route: Route) => Doc;
  readonly immutablePath: string;
}

const MODIFIERS: ReadonlyMap<string, Modifier> = new Map([
  ...Object.entries(FIELD_MODIFIERS),
  ...Object.entries(ARRAY_MODIFIERS),
]);

/** In the order in which MongoDB applies them: by path, numbers as numbers. */
export function parseChanges(update: Doc, options: UpdateOptions): Change[] {
  const taken: string[] = [];
  const changes = Object.entries(update).flatMap(([operator, fields]) => {
    if (operator !== '$rename' && !MODIFIERS.has(operator)) throw unknownModifier(operator);
    if (!isDoc(fields)) {
      throw failedToParse(
        `Modifiers operate on fields but we found type ${typeName(fields)} instead. For example: {$mod: {<field>: ...}} not {${operator}: ${show(fields)}}`,
      );
    }
    return Object.entries(fields).flatMap(([path, operand]) => parseChange(operator, path, operand, options, taken));
  });
  return changes.sort((a, b) => comparePaths(a.path, b.path));
}

function unknownModifier(operator: string): MongoFault {
  return failedToParse(
    `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
  );
}

function parseChange(
  operator: string,
  path: string,
  operand: unknown,
  options: UpdateOptions,
  taken: string[],
): Change[] {
  assertPath(path);
  if (operator === '$rename') return [parseRename(path, operand, taken)];
  claim(path, taken);
  const modifier = MODIFIERS.get(operator) as Modifier;
  if (operator === '$setOnInsert' && !options.inserting) return [];
  return [{ path, creates: modifier.creates, edit: modifier.edit(operand, path, options), immutablePath: path }];
}

function assertPath(path: string): void {
  if (path === '') throw new MongoFault(56, 'EmptyFieldName', 'An empty update path is not valid.');
  for (const part of path.split('.')) {
    if (part === '') {
      throw new MongoFault(
        56,
        'EmptyFieldName',
        `The update path '${path}' contains an empty field name, which is not allowed.`,
      );
    }
    if (part.startsWith('$') && part !== '$' && !/^\$\[.*\]$/.test(part)) {
      throw new MongoFault(
        52,
        'DollarPrefixedFieldName',
        `The dollar ($) prefixed field '${part}' in '${path}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
      );
    }
  }
}

/** Two modifiers may not touch the same place, nor one the inside of another's. */
function claim(path: string, taken: string[]): void {
  for (const other of taken) {
    const conflict = path === other || other.startsWith(`${path}.`) ? path : path.startsWith(`${other}.`) ? other : '';
    if (conflict !== '') {
      throw new MongoFault(
        40,
        'ConflictingUpdateOperators',
        `Updating the path '${path}' would create a conflict at '${conflict}'`,
      );
    }
  }
  taken.push(path);
}

function comparePaths(a: string, b: string): number {
  const x = a.split('.');
  const y = b.split('.');
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const [left, right] = [x[i] as string, y[i] as string];
    if (left === right) continue;
    const numeric = /^\d+$/.test(left) && /^\d+$/.test(right);
    return numeric ? Number(left) - Number(right) : left < right ? -1 : 1;
  }
  return x.length - y.length;
}

function parseRename(from: string, to: unknown, taken: string[]): Change {
  if (typeof to !== 'string') throw badValue(`The 'to' field for $rename must be a string: ${from}: ${show(to)}`);
  assertPath(to);
  if (from === to) throw badValue(`The source and target field for $rename must differ: ${from}: ${show(to)}`);
  if ([from, to].some((path) => path.split('.').some((part) => part.startsWith('$')))) {
    throw badValue(`The source and target field for $rename may not be dynamic: ${from}: ${show(to)}`);
  }
  claim(from, taken);
  claim(to, taken);
  const immutablePath = from.split('.')[0] === '_id' ? from : to;
  const move = (doc: Doc, route: Route): Doc => rename(doc, from, to, route);
  return { path: to, creates: true, edit: (current) => current, move, immutablePath };
}

function rename(doc: Doc, from: string, to: string, route: Route): Doc {
  const source = from.split('.');
  const value = readThroughDocs(doc, source, 'source', route.root);
  if (value === undefined) return doc;
  readThroughDocs(doc, to.split('.'), 'destination', route.root);
  const bare = { ...route, parts: source, positions: source.map(() => -1), selects: source.map(() => undefined) };
  return changeAt(
    changeAt(doc, bare, () => undefined, false),
    route,
    () => value,
    true,
  );
}

function readThroughDocs(doc: Doc, path: readonly string[], role: string, root: Doc): unknown {
  let value: unknown = doc;
  for (const [i, name] of path.entries()) {
    if (Array.isArray(value)) {
      throw badValue(
        `The ${role} field cannot be an array element, '${path.join('.')}' in doc with _id: ${show(own(root, '_id'))} has an array field called '${String(path[i - 1])}'`,
      );
    }
    value = isDoc(value) ? own(value, name) : undefined;
  }
  return value;
}
