import { OPEN_STATUSES, PRIORITIES, type Priority, type Status } from './task.js';

/** Which tasks of an owner a list shows; conditions on different fields all hold, values of one are alternatives. */
export interface TaskFilter {
  readonly trashed: boolean;
  readonly statuses?: readonly Status[];
  readonly priorities?: readonly Priority[];
  readonly tags?: readonly string[];
  readonly dueAfter?: Date;
  readonly dueBefore?: Date;
  /** Open, and due before this instant. */
  readonly overdueAt?: Date;
  /** Folded; each must begin a word of the task. */
  readonly words?: readonly string[];
}

/** Conditions by field, as operators, so that a position in an order can be merged into them. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Whether only tasks with a due date can match. */
export const isDatedOnly = ({ dueAfter, dueBefore, overdueAt }: TaskFilter): boolean =>
  (dueAfter ?? dueBefore ?? overdueAt) !== undefined;

/** The filter without its words. */
export function conditionsOf(filter: TaskFilter): Conditions {
  const { statuses, priorities, tags, overdueAt } = filter;
  const wanted = overdueAt ? (statuses ?? OPEN_STATUSES).filter((status) => OPEN_STATUSES.includes(status)) : statuses;
  return {
    place: { $eq: filter.trashed ? 'trash' : 'live' },
    ...(wanted ? { status: oneOf(wanted) } : {}),
    ...(priorities ? { priority: oneOf(priorities.map((priority) => PRIORITIES.indexOf(priority))) } : {}),
    ...(tags ? { tags: oneOf(tags) } : {}),
    ...(isDatedOnly(filter) ? { dated: { $eq: true }, dueAt: dueRange(filter) } : {}),
  };
}

function dueRange({ dueAfter, dueBefore, overdueAt }: TaskFilter): Record<string, Date> {
  const ends = [dueBefore, overdueAt].filter((end) => end !== undefined).map((end) => end.getTime());
  return {
    ...(dueAfter ? { $gte: dueAfter } : {}),
    ...(ends.length > 0 ? { $lt: new Date(Math.min(...ends)) } : {}),
  };
}

/** Words are letters and digits only, so none has a meaning in a pattern. */
export function wordConditions(words: readonly string[] = []): { $and?: { terms: RegExp }[] } {
  return words.length > 0 ? { $and: words.map((word) => ({ terms: new RegExp(`^${word}`) })) } : {};
}

/** Both; where a field is in both, the second narrows the first. */
export function merged(conditions: Conditions, narrower: Conditions): Conditions {
  const fields = new Set([...Object.keys(conditions), ...Object.keys(narrower)]);
  return Object.fromEntries([...fields].map((field) => [field, { ...conditions[field], ...narrower[field] }]));
}

const oneOf = (values: readonly unknown[]): Record<string, unknown> =>
  values.length === 1 ? { $eq: values[0] } : { $in: values };
