import { faults } from '../faults.js';
import { type Doc, compileFilter } from '../language/index.js';
import type { Row } from '../store/row.js';
import { BTree } from './btree.js';
import { encodeValue } from './key.js';
import { type IndexSpec, rootsOf } from './index-spec.js';
import type { CollectionIndex } from './ordered-index.js';
import { pathValues } from './path-values.js';
import { addScores } from './words.js';

/** An occurrence of a word: where, and what it is worth. */
export interface Posting {
  readonly row: Row;
  readonly score: number;
}

type Entries = readonly (readonly [key: string, score: number])[];

/** Words of weighted fields, behind the values of the fields that stand before the text in the key. */
export class TextIndex implements CollectionIndex<Entries> {
  readonly tree = new BTree<Posting>();
  /** Paths before the text; a search has to give each of them one value. */
  readonly prefix: readonly string[];
  /** Paths of the text. */
  readonly texts: readonly string[];
  private readonly weighted: readonly (readonly [path: readonly string[], weight: number])[];
  private readonly roots: readonly string[];
  private readonly includes?: (doc: Doc) => boolean;

  constructor(readonly spec: IndexSpec) {
    const paths = Object.keys(spec.key);
    this.prefix = paths.slice(0, paths.indexOf('_fts'));
    this.texts = Object.keys(spec.weights ?? {});
    this.weighted = Object.entries(spec.weights ?? {}).map(([path, weight]) => [path.split('.'), weight]);
    this.roots = [
      ...rootsOf(spec),
      ...this.texts.map((path) => path.split('.')[0] as string),
      spec.language_override ?? '',
    ];
    if (spec.partialFilterExpression) this.includes = compileFilter(spec.partialFilterExpression);
  }

  entriesOf(doc: Doc): Entries {
    if (this.includes && !this.includes(doc)) return [];
    this.refuseLanguage(doc);
    const scores = new Map<string, number>();
    for (const [path, weight] of this.weighted) {
      for (const value of pathValues(doc, path)) if (typeof value === 'string') addScores(value, weight, scores);
    }
    const prefix = this.prefix.map((path) => encodeValue(prefixValue(doc, path))).join('');
    return Array.from(scores, ([word, score]) => [prefix + encodeValue(word), score]);
  }

  checkUnique(): void {}

  add(entries: Entries, row: Row): void {
    for (const [key, score] of entries) this.tree.insert(key + row.sequence, { row, score });
  }

  remove(entries: Entries, row: Row): void {
    for (const [key] of entries) this.tree.remove(key + row.sequence);
  }

  replace(before: Entries, after: Entries, row: Row): void {
    const old = new Map(before);
    const kept = new Set(after.filter(([key, score]) => old.get(key) === score).map(([key]) => key));
    for (const [key] of before) if (!kept.has(key)) this.tree.remove(key + row.sequence);
    for (const [key, score] of after) if (!kept.has(key)) this.tree.insert(key + row.sequence, { row, score });
  }

  touchedBy(before: Doc, after: Doc): boolean {
    return this.roots.some((root) => before[root] !== after[root]);
  }

  /** A document may name its own language, which would have to be stemmed. */
  private refuseLanguage(doc: Doc): void {
    const language = doc[this.spec.language_override ?? 'language'];
    if (typeof language === 'string' && language !== 'none') throw faults.languageNotSupported(language);
  }
}

function prefixValue(doc: Doc, path: string): unknown {
  let value: unknown = doc;
  for (const name of path.split('.')) {
    if (Array.isArray(value)) throw faults.arrayBeforeText(path);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Doc)[name];
  }
  if (Array.isArray(value)) throw faults.arrayBeforeText(path);
  return value;
}
