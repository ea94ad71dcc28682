import { type Doc, MongoFault, badValue } from './fault.js';
import { showField } from './show.js';
import { isDoc, own, put } from './values.js';

/** Elements that `$[]` or `$[name]` stands for. */
export type Select = (element: unknown) => boolean;

export interface Route {
  readonly parts: readonly string[];
  readonly positions: readonly number[];
  readonly selects: readonly (Select | undefined)[];
  /** The document before the update, for messages. */
  readonly root: Doc;
  /** Concrete paths changed so far: `$[]` may meet a path that another modifier names. */
  readonly touched: Set<string> | undefined;
}

/** The new value for the current one; `undefined` is missing on both sides. Must not change its argument. */
export type Edit = (current: unknown, root: Doc) => unknown;

type Container = Doc | readonly unknown[];

/** MongoDB's limit to what one write may fill up with nulls. */
const MAX_PADDING = 1_500_000;

/**
 * Copies the way down to the changed value and nothing else. Without `creates` a path that does not exist
 * is left alone; with it, documents are created on the way, and a scalar in the way is a fault.
 */
export function changeAt(doc: Doc, route: Route, edit: Edit, creates: boolean): Doc {
  return step(doc, route, 0, edit, creates, '') as Doc;
}

function step(container: Container, route: Route, at: number, edit: Edit, creates: boolean, trail: string): Container {
  const select = route.selects[at];
  if (select !== undefined) return stepAll(container, route, at, edit, creates, trail, select);
  const part = route.parts[at] as string;
  const position = Array.isArray(container) ? (route.positions[at] as number) : -1;
  if (Array.isArray(container) && position < 0) {
    if (!creates) return container;
    throw notViable(part, route.parts[at - 1] ?? '', container);
  }
  const current = isArray(container) ? container[position] : own(container, part);
  const next = descend(current, route, at, edit, creates, `${trail}${part}`);
  if (next === current) return container;
  return isArray(container) ? withElement(container, position, next) : withField(container, part, next);
}

const isArray = (container: Container): container is readonly unknown[] => Array.isArray(container);

function stepAll(
  container: Container,
  route: Route,
  at: number,
  edit: Edit,
  creates: boolean,
  trail: string,
  select: Select,
): Container {
  if (!isArray(container)) {
    const name = route.parts[at - 1] ?? '';
    throw badValue(`Cannot apply array updates to non-array element ${showField(name, container).slice(1, -1)}`);
  }
  let changed = false;
  const copy = container.map((element, i) => {
    if (!select(element)) return element;
    const next = descend(element, route, at, edit, creates, `${trail}${String(i)}`);
    changed ||= next !== element;
    return next === undefined ? null : next;
  });
  return changed ? copy : container;
}

function descend(current: unknown, route: Route, at: number, edit: Edit, creates: boolean, trail: string): unknown {
  if (at === route.parts.length - 1) {
    if (route.touched?.has(trail) === true) {
      throw new MongoFault(40, 'ConflictingUpdateOperators', `Update created a conflict at '${trail}'`);
    }
    route.touched?.add(trail);
    return edit(current, route.root);
  }
  if (Array.isArray(current) || isDoc(current)) {
    return step(current as Container, route, at + 1, edit, creates, `${trail}.`);
  }
  const part = route.parts[at] as string;
  if (route.selects[at + 1] !== undefined) {
    if (current === undefined) {
      throw badValue(`The path '${trail}' must exist in the document in order to apply array updates.`);
    }
    throw badValue(`Cannot apply array updates to non-array element ${showField(part, current).slice(1, -1)}`);
  }
  if (!creates) return current;
  if (current !== undefined) throw notViable(route.parts[at + 1] as string, part, current);
  const created = step({}, route, at + 1, edit, creates, `${trail}.`) as Doc;
  return Object.keys(created).length === 0 ? undefined : created;
}

function notViable(field: string, parent: string, element: unknown): MongoFault {
  return new MongoFault(28, 'PathNotViable', `Cannot create field '${field}' in element ${showField(parent, element)}`);
}

function withElement(array: readonly unknown[], position: number, value: unknown): unknown[] {
  if (position - array.length > MAX_PADDING) {
    throw badValue(`can't backfill more than ${String(MAX_PADDING)} elements`);
  }
  const copy = [...array];
  while (copy.length < position) copy.push(null);
  copy[position] = value === undefined ? null : value;
  return copy;
}

function withField(doc: Doc, name: string, value: unknown): Doc {
  const copy = { ...doc };
  if (value === undefined) delete copy[name];
  else put(copy, name, value);
  return copy;
}

/** A plain path without positional operators, for those who set one field of a document. */
export function routeTo(path: string): Route {
  const parts = path.split('.');
  return { parts, positions: parts.map(() => -1), selects: parts.map(() => undefined), root: {}, touched: undefined };
}
