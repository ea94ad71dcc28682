import type { Doc } from '../language/index.js';

/** The values at a path, arrays on the way and at its end opened; a missing field and an empty array have none. */
export function pathValues(doc: Doc, path: readonly string[]): unknown[] {
  const found: unknown[] = [];
  collect(doc, path, 0, found);
  return found;
}

function collect(value: unknown, path: readonly string[], at: number, found: unknown[]): void {
  if (at === path.length) {
    if (Array.isArray(value)) found.push(...value);
    else if (value !== undefined) found.push(value);
    return;
  }
  const name = path[at] as string;
  if (Array.isArray(value)) {
    if (/^\d+$/.test(name) && Number(name) < value.length) collect(value[Number(name)], path, at + 1, found);
    for (const element of value) if (!Array.isArray(element)) collect(element, path, at, found);
  } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) {
    collect((value as Doc)[name], path, at + 1, found);
  }
}
