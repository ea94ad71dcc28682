import { fold } from '../../core/search/fold.js';
import { PRIORITIES, type Task } from './task.js';
import { UNDATED } from './task.schema.js';

export const SORT_KEYS = ['createdAt', 'updatedAt', 'dueAt', 'priority', 'title'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface TaskOrder {
  readonly key: SortKey;
  readonly direction: 1 | -1;
}

/** Where a page begins: behind the task with these values of the sort fields, in this phase of the order. */
export interface TaskPosition {
  readonly phase: number;
  readonly values: readonly (string | number)[];
}

/** A part of the order that one tight range of one index holds. */
export interface Segment {
  /** Conditions by field, as operators. */
  readonly where: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly sort: Readonly<Record<string, 1 | -1>>;
}

interface Phase {
  readonly fixed: Readonly<Record<string, unknown>>;
  readonly fields: readonly string[];
}

const DATED: Phase = { fixed: { dated: true }, fields: ['dueAt', '_id'] };
const UNDATED_LAST: Phase = { fixed: { dated: false, dueAt: UNDATED }, fields: ['_id'] };

/** `_id` makes every order total. Tasks without a due date come last in either direction, so they are a phase. */
const PHASES: Readonly<Record<SortKey, readonly Phase[]>> = {
  createdAt: [{ fixed: {}, fields: ['createdAt', '_id'] }],
  updatedAt: [{ fixed: {}, fields: ['updatedAt', '_id'] }],
  dueAt: [DATED, UNDATED_LAST],
  priority: [{ fixed: {}, fields: ['priority', 'createdAt', '_id'] }],
  title: [{ fixed: {}, fields: ['titleFolded', '_id'] }],
};

/**
 * What comes after a position, in order. "Greater than (a, b, c)" is taken apart into `a, b, >c`, then `a, >b`, then
 * `>a`: each is one range of an index, where an `$or` would walk over everything before it.
 * @param onlyDated leaves out the phase of tasks without a due date
 */
export function segmentsAfter(order: TaskOrder, position: TaskPosition | undefined, onlyDated: boolean): Segment[] {
  const phases = PHASES[order.key].filter(({ fixed }) => !(onlyDated && fixed['dated'] === false));
  return phases.flatMap((phase, index) => {
    if (!position || index > position.phase) return [{ where: equal(phase.fixed), sort: sortOf(phase, order) }];
    return index < position.phase ? [] : rangesBehind(phase, order, position.values);
  });
}

function rangesBehind(phase: Phase, order: TaskOrder, values: TaskPosition['values']): Segment[] {
  const beyond = order.direction === 1 ? '$gt' : '$lt';
  return phase.fields
    .map((field, last) => {
      const tied = Object.fromEntries(phase.fields.slice(0, last).map((tie, index) => [tie, values[index]]));
      const where = { ...equal({ ...phase.fixed, ...tied }), [field]: { [beyond]: values[last] } };
      return { where, sort: sortOf(phase, order) };
    })
    .toReversed();
}

/** A range, and which of the tasks that it begins with are not yet behind the position. */
export interface NearRange extends Segment {
  readonly isBehind: (task: Task) => boolean;
}

/**
 * The first two of `segmentsAfter` as one range. It begins too early: with those that only `_id` tells from the
 * position, mostly the one task that the position was taken from. Undefined where there are no two.
 */
export function nearRange(order: TaskOrder, { phase, values }: TaskPosition): NearRange | undefined {
  const { fixed, fields } = PHASES[order.key][phase]!;
  const at = fields.length - 2;
  const field = fields[at];
  if (field === undefined) return undefined;
  const [value, id] = [values[at]!, values[at + 1]!];
  const tied = Object.fromEntries(fields.slice(0, at).map((tie, index) => [tie, values[index]]));
  const from = order.direction === 1 ? '$gte' : '$lte';
  return {
    where: { ...equal({ ...fixed, ...tied }), [field]: { [from]: value } },
    sort: sortOf(PHASES[order.key][phase]!, order),
    isBehind: (task) => sortValue(task, field) !== value || (order.direction === 1 ? task.id > id : task.id < id),
  };
}

/** Where the page after this task begins. */
export function positionOf(order: TaskOrder, task: Task): TaskPosition {
  const phase = order.key === 'dueAt' && task.dueAt === null ? 1 : 0;
  return { phase, values: PHASES[order.key][phase]!.fields.map((field) => sortValue(task, field)) };
}

function sortValue(task: Task, field: string): string | number {
  switch (field) {
    case 'createdAt':
      return task.createdAt.getTime();
    case 'updatedAt':
      return task.updatedAt.getTime();
    case 'dueAt':
      return task.dueAt!.getTime();
    case 'priority':
      return PRIORITIES.indexOf(task.priority);
    case 'titleFolded':
      return fold(task.title);
    default:
      return task.id;
  }
}

const equal = (fixed: Phase['fixed']): Segment['where'] =>
  Object.fromEntries(Object.entries(fixed).map(([field, value]) => [field, { $eq: value }]));

const sortOf = (phase: Phase, { direction }: TaskOrder): Segment['sort'] =>
  Object.fromEntries(phase.fields.map((field) => [field, direction]));
