import { type Doc, badValue, failedToParse } from './fault.js';
import { compileFilter } from './filter.js';
import { show } from './show.js';
import type { Select } from './update-paths.js';
import { isDoc } from './values.js';

/** The `arrayFilters` of one update, by the identifier that each of them defines. */
export class ArrayFilters {
  private readonly selects = new Map<string, Select>();
  private readonly used = new Set<string>();

  constructor(
    filters: readonly Doc[],
    private readonly update: Doc,
  ) {
    for (const filter of filters) {
      const name = identifier(filter);
      if (this.selects.has(name)) {
        throw failedToParse(`Found multiple array filters with the same top-level field name ${name}`);
      }
      const matches = compileFilter(filter);
      this.selects.set(name, (element) => matches({ [name]: element }));
    }
  }

  /** `undefined` for a part that is an ordinary name or position. */
  selector(part: string, path: string): Select | undefined {
    if (part === '$[]') return () => true;
    const name = /^\$\[(.*)\]$/.exec(part)?.[1];
    if (name === undefined) return undefined;
    const select = this.selects.get(name);
    if (select === undefined) throw badValue(`No array filter found for identifier '${name}' in path '${path}'`);
    this.used.add(name);
    return select;
  }

  assertAllUsed(): void {
    for (const name of this.selects.keys()) {
      if (!this.used.has(name)) {
        throw failedToParse(
          `The array filter for identifier '${name}' was not used in the update ${show(this.update)}`,
        );
      }
    }
  }
}

function identifier(filter: Doc): string {
  const [name, other] = new Set(identifiers(filter));
  if (name === undefined) {
    throw failedToParse('Cannot use an expression without a top-level field name in arrayFilters');
  }
  if (other !== undefined) {
    throw failedToParse(
      `Error parsing array filter :: caused by :: Expected a single top-level field name, found '${name}' and '${other}'`,
    );
  }
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
    throw badValue(
      `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${name}'`,
    );
  }
  return name;
}

function identifiers(filter: Doc): string[] {
  return Object.entries(filter).flatMap(([name, condition]) => {
    if (!name.startsWith('$')) return [name.split('.')[0] as string];
    return Array.isArray(condition) ? condition.filter(isDoc).flatMap(identifiers) : [];
  });
}
