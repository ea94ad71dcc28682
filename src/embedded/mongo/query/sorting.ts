import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { type Doc, compileSort } from '../language/index.js';
import type { Match } from './match.js';

type Compare = (a: Match, b: Match) => number;

/** Whether a value is `{$meta: 'textScore'}`. */
export const isTextScore = (value: unknown): boolean => isDocument(value) && value['$meta'] === 'textScore';

/** @throws MongoFault 40218 when something asks for a score that no `$text` computes */
export function requireScore(asked: Doc | undefined, hasText: boolean): void {
  if (hasText || !Object.values(asked ?? {}).some(isTextScore)) return;
  throw faults.noTextScore();
}

/** Order of matches, by fields and by score. */
export function compareMatches(sort: Doc): Compare {
  const steps: Compare[] = [];
  let fields: Doc = {};
  const flush = (): void => {
    if (Object.keys(fields).length === 0) return;
    const compare = compileSort(fields);
    steps.push((a, b) => compare(a.doc, b.doc));
    fields = {};
  };
  for (const [path, direction] of Object.entries(sort)) {
    if (isTextScore(direction)) {
      flush();
      steps.push((a, b) => (b.textScore ?? 0) - (a.textScore ?? 0));
    } else {
      fields[path] = direction;
    }
  }
  flush();
  return (a, b) => {
    for (const step of steps) {
      const order = step(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
}
