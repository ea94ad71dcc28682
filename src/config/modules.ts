/** The modules that a process can serve. */
export const MODULE_NAMES = ['auth', 'users', 'tasks', 'notifications', 'admin'] as const;
export type ModuleName = (typeof MODULE_NAMES)[number];

const name = `(?:${MODULE_NAMES.join('|')})`;
/** What `MODULES` may be. */
export const MODULE_LIST = new RegExp(`^${name}(?:,${name})*$`);

/** The modules whose routes, listeners and chores a process has: those of `MODULES`, else all. */
export function chosenModules(list?: string): readonly ModuleName[] {
  const names = list?.split(',');
  return Object.freeze(MODULE_NAMES.filter((one) => names?.includes(one) ?? true));
}
