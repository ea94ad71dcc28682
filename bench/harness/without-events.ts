import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In which file of the build what is replaced by what, so that a change of a task is written and told to nobody. */
const EDITS = [
  ['core/events/domain-event.js', 'eventId = newEventId()', "eventId = ''"],
  ['core/events/outbox.schema.js', 'if (events.length === 0)', 'if (true)'],
  ['modules/tasks/tasks.repository.js', 'events.length > 0', 'false'],
] as const;

/**
 * Puts a copy of the build into `directory` that is the same program but for its events: what they cost is the
 * difference.
 * @returns the copy
 * @throws when the build is no longer what is edited here
 */
export function buildWithoutEvents(root: string, directory: string): string {
  const copy = join(directory, 'dist');
  cpSync(join(root, 'dist'), copy, { recursive: true });
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const [name, from, to] of EDITS) {
    const file = join(copy, name);
    const text = readFileSync(file, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`the build has no, or more than one, "${from}" in ${name}`);
    writeFileSync(file, text.replace(from, to));
  }
  return copy;
}
