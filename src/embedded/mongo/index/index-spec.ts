import type { Doc } from '../language/index.js';

/** An index as `listIndexes` shows it. */
export interface IndexSpec extends Doc {
  readonly v: number;
  readonly key: Doc;
  readonly name: string;
  readonly unique?: boolean;
  readonly sparse?: boolean;
  readonly partialFilterExpression?: Doc;
  readonly expireAfterSeconds?: number;
  readonly weights?: Readonly<Record<string, number>>;
  readonly default_language?: string;
  readonly language_override?: string;
  readonly textIndexVersion?: number;
}

export const ID_INDEX: IndexSpec = { v: 2, key: { _id: 1 }, name: '_id_' };

/** First parts of the paths in an index's key and filter, which decide about its entries. */
export function rootsOf(spec: IndexSpec): string[] {
  const roots = new Set(Object.keys(spec.key).map((path) => path.split('.')[0] as string));
  const visit = (filter: Doc): void => {
    for (const [name, condition] of Object.entries(filter)) {
      if (name.startsWith('$')) for (const clause of condition as Doc[]) visit(clause);
      else roots.add(name.split('.')[0] as string);
    }
  };
  visit(spec.partialFilterExpression ?? {});
  return [...roots];
}
