import { type Doc, compileFilter } from '../language/index.js';
import type { Row } from '../store/row.js';
import { BTree } from './btree.js';
import { type KeyField, documentKeys } from './document-keys.js';
import { duplicateKey } from './duplicate-key.js';
import { type IndexSpec, rootsOf } from './index-spec.js';

/** What every kind of index does for its collection. `E` are the entries of one document, opaque to callers. */
export interface CollectionIndex<E = unknown> {
  readonly spec: IndexSpec;
  /** @throws MongoFault when the document cannot be in this index */
  entriesOf(doc: Doc): E;
  /** @throws MongoFault 11000 when an entry belongs to another document than `self` */
  checkUnique(entries: E, doc: Doc, self?: Row): void;
  add(entries: E, row: Row): void;
  remove(entries: E, row: Row): void;
  /** Like `remove` and `add`, without touching what stays. */
  replace(before: E, after: E, row: Row): void;
  /** Whether the entries of two versions of a document may differ. */
  touchedBy(before: Doc, after: Doc): boolean;
}

/** Keys in order: single, compound and multikey, ascending or descending, unique, sparse, partial. */
export class OrderedIndex implements CollectionIndex<readonly string[]> {
  readonly tree = new BTree<Row>();
  readonly fields: readonly KeyField[];
  /** Per field: whether a document ever had an array there. */
  readonly multikey: boolean[];
  private readonly roots: readonly string[];
  private readonly includes?: (doc: Doc) => boolean;

  constructor(
    readonly namespace: string,
    readonly spec: IndexSpec,
  ) {
    this.fields = Object.entries(spec.key).map(([path, order]) => ({
      path: path.split('.'),
      descending: Number(order) < 0,
    }));
    this.multikey = this.fields.map(() => false);
    if (spec.partialFilterExpression) this.includes = compileFilter(spec.partialFilterExpression);
    this.roots = rootsOf(spec);
  }

  get unique(): boolean {
    return this.spec.unique === true || this.spec.name === '_id_';
  }

  get isMultikey(): boolean {
    return this.multikey.includes(true);
  }

  entriesOf(doc: Doc): readonly string[] {
    if (this.includes && !this.includes(doc)) return [];
    const { keys, multikey, absent } = documentKeys(doc, this.fields);
    if (absent && this.spec.sparse) return [];
    for (const i of multikey) this.multikey[i] = true;
    return keys;
  }

  checkUnique(entries: readonly string[], doc: Doc, self?: Row): void {
    if (!this.unique) return;
    for (const key of entries) {
      const holder = this.tree.get(key);
      if (holder && holder !== self) throw duplicateKey(this.namespace, this.spec, doc);
    }
  }

  add(entries: readonly string[], row: Row): void {
    for (const key of entries) this.tree.insert(this.entry(key, row), row);
  }

  remove(entries: readonly string[], row: Row): void {
    for (const key of entries) this.tree.remove(this.entry(key, row));
  }

  replace(before: readonly string[], after: readonly string[], row: Row): void {
    const old = new Set(before);
    const kept = new Set(after.filter((key) => old.has(key)));
    for (const key of before) if (!kept.has(key)) this.tree.remove(this.entry(key, row));
    for (const key of after) if (!kept.has(key)) this.tree.insert(this.entry(key, row), row);
  }

  touchedBy(before: Doc, after: Doc): boolean {
    return this.roots.some((root) => before[root] !== after[root]);
  }

  /** Unique keys tell themselves apart; others need the row, so that equal keys can be told apart. */
  private entry(key: string, row: Row): string {
    return this.unique ? key : key + row.sequence;
  }
}
