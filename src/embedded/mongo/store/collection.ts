import { UUID } from 'bson';
import { type Stored, encode } from '../documents.js';
import { encodeValue } from '../index/key.js';
import { ID_INDEX, type IndexSpec } from '../index/index-spec.js';
import { type CollectionIndex, OrderedIndex } from '../index/ordered-index.js';
import { openIndex } from '../index/open-index.js';
import { TextIndex } from '../index/text-index.js';
import type { Doc } from '../language/index.js';
import type { Log } from './log.js';
import { type Row, sequenceKey } from './row.js';

type Prepared = readonly [CollectionIndex, unknown];

/**
 * The documents of one namespace with their indexes. Each change is complete or thrown before anything
 * moved, and goes to the log together with the way back.
 */
export class Collection {
  /** By encoded `_id`, in insertion order, which is the natural order. */
  readonly rows = new Map<string, Row>();
  readonly indexes = new Map<string, CollectionIndex>();
  readonly namespace: string;
  dropped = false;
  /** Bytes of all documents. */
  dataBytes = 0;
  private sequence = 0;

  constructor(
    readonly database: string,
    readonly name: string,
    private readonly log: Log,
    readonly uuid = new UUID(),
  ) {
    this.namespace = `${database}.${name}`;
    this.indexes.set(ID_INDEX.name, new OrderedIndex(this.namespace, ID_INDEX));
  }

  get idIndex(): OrderedIndex {
    return this.indexes.get(ID_INDEX.name) as OrderedIndex;
  }

  get textIndex(): TextIndex | undefined {
    return [...this.indexes.values()].find((index) => index instanceof TextIndex);
  }

  find(id: unknown): Row | undefined {
    return this.rows.get(encodeValue(id));
  }

  insert({ doc, raw }: Stored): Row {
    const row = this.place(doc, raw);
    this.log.append({ kind: 'put', namespace: this.namespace, raw }, () => this.erase(row));
    return row;
  }

  replace(row: Row, { doc, raw }: Stored): void {
    const before: Stored = { doc: row.doc, raw: row.raw };
    this.move(row, doc, raw);
    this.log.append({ kind: 'put', namespace: this.namespace, raw }, () => this.move(row, before.doc, before.raw));
  }

  remove(row: Row): void {
    this.erase(row);
    const id = encode({ _id: row.doc['_id'] });
    this.log.append({ kind: 'delete', namespace: this.namespace, raw: id }, () => this.restore(row));
  }

  /** @throws MongoFault 11000 and others when a stored document does not fit */
  createIndex(spec: IndexSpec): void {
    const index = this.build(spec);
    this.indexes.set(spec.name, index);
    const undo = (): void => void this.indexes.delete(spec.name);
    this.log.append({ kind: 'createIndex', namespace: this.namespace, raw: encode(spec) }, undo);
  }

  dropIndex(name: string): void {
    const index = this.indexes.get(name);
    if (!index) return;
    this.indexes.delete(name);
    // The dropped index misses the changes until an undo: it is built anew.
    const undo = (): void => void this.indexes.set(name, this.build(index.spec));
    this.log.append({ kind: 'dropIndex', namespace: this.namespace, raw: encode({ name }) }, undo);
  }

  /** For recovery: no log, and no index but that of `_id` until `loadIndexes`. */
  load({ doc, raw }: Stored): void {
    const row = this.rows.get(encodeValue(doc['_id']));
    if (row) this.move(row, doc, raw);
    else this.place(doc, raw);
  }

  /** For recovery: see `load`. */
  unload(id: unknown): void {
    const row = this.find(id);
    if (row) this.erase(row);
  }

  /** For recovery: see `load`. */
  loadIndexes(specs: Iterable<IndexSpec>): void {
    for (const spec of specs) this.indexes.set(spec.name, this.build(spec));
  }

  private build(spec: IndexSpec): CollectionIndex {
    const index = openIndex(this.namespace, spec);
    for (const row of this.rows.values()) {
      const entries = index.entriesOf(row.doc);
      index.checkUnique(entries, row.doc);
      index.add(entries, row);
    }
    return index;
  }

  private place(doc: Doc, raw: Buffer): Row {
    const prepared = this.prepare(this.indexes.values(), doc);
    const row: Row = { id: encodeValue(doc['_id']), sequence: sequenceKey(++this.sequence), doc, raw, gone: false };
    this.attach(row, prepared);
    return row;
  }

  private restore(row: Row): void {
    this.attach(row, this.prepare(this.indexes.values(), row.doc));
    row.gone = false;
  }

  private attach(row: Row, prepared: readonly Prepared[]): void {
    this.rows.set(row.id, row);
    this.dataBytes += row.raw.length;
    for (const [index, entries] of prepared) index.add(entries, row);
  }

  private prepare(indexes: Iterable<CollectionIndex>, doc: Doc, self?: Row): Prepared[] {
    return Array.from(indexes, (index) => {
      const entries = index.entriesOf(doc);
      index.checkUnique(entries, doc, self);
      return [index, entries] as const;
    });
  }

  private move(row: Row, doc: Doc, raw: Buffer): void {
    const touched = [...this.indexes.values()].filter((index) => index.touchedBy(row.doc, doc));
    const prepared = this.prepare(touched, doc, row);
    for (const [index, entries] of prepared) index.replace(index.entriesOf(row.doc), entries, row);
    this.dataBytes += raw.length - row.raw.length;
    row.doc = doc;
    row.raw = raw;
  }

  private erase(row: Row): void {
    for (const index of this.indexes.values()) index.remove(index.entriesOf(row.doc), row);
    this.rows.delete(row.id);
    this.dataBytes -= row.raw.length;
    row.gone = true;
  }
}
