import { encode } from '../documents.js';
import type { Catalog } from '../store/catalog.js';
import type { Collection } from '../store/collection.js';
import type { Files, JournalFile } from './files.js';
import { FILE_HEADER_BYTES, encodeEntry, encodeRecord, fileHeader, newMarker } from './format.js';
import type { Follower, Journal } from './journal.js';
import { journalPath, unfinishedPath } from './recovery.js';

const RECORD_BYTES = 256 * 1024;
/** Rounds of catching up with the writes before those have to wait for the last one. */
const ROUNDS = 4;

class Undone extends Error {}

/**
 * Writes what is stored now into a new journal while the old one goes on, catches up with what was written
 * meanwhile, and takes the old one's place. Entries are absolute, so it does no harm that documents change while
 * they are copied. Writes wait only for the last round.
 */
export class Compaction implements Follower {
  private behind: Buffer[] = [];
  private stale = false;
  private position = FILE_HEADER_BYTES;
  private readonly marker = newMarker();
  private file: JournalFile;

  private constructor(
    private readonly directory: string,
    private readonly journal: Journal,
    private readonly files: Files,
  ) {}

  /** @returns whether the journal was replaced; it is not when a write was undone meanwhile */
  static async run(directory: string, journal: Journal, catalog: Catalog, files: Files): Promise<boolean> {
    const compaction = new Compaction(directory, journal, files);
    journal.follower = compaction;
    try {
      await compaction.copy(catalog);
      await journal.pause(() => compaction.finish());
      return true;
    } catch (error) {
      await compaction.discard();
      if (error instanceof Undone) return false;
      throw error;
    } finally {
      journal.follower = undefined;
    }
  }

  safe(entries: readonly Buffer[]): void {
    this.behind.push(...entries);
  }

  undone(): void {
    this.stale = true;
  }

  private async copy(catalog: Catalog): Promise<void> {
    await this.files.remove(unfinishedPath(this.directory));
    this.file = await this.files.open(unfinishedPath(this.directory), true);
    await this.file.write(fileHeader(this.marker), 0);
    for (const collection of catalog.all()) await this.write(entriesOf(collection));
    for (let round = 0; round < ROUNDS && this.behind.length > 0; round++) await this.catchUp();
    await this.file.sync();
  }

  private catchUp(): Promise<void> {
    const entries = this.behind;
    this.behind = [];
    return this.write(entries);
  }

  private async write(entries: Iterable<Buffer>): Promise<void> {
    let record: Buffer[] = [];
    let bytes = 0;
    for (const entry of entries) {
      record.push(entry);
      bytes += entry.length;
      if (bytes < RECORD_BYTES) continue;
      await this.writeRecord(record);
      record = [];
      bytes = 0;
    }
    if (record.length > 0) await this.writeRecord(record);
  }

  private async writeRecord(entries: readonly Buffer[]): Promise<void> {
    if (this.stale) throw new Undone();
    const record = encodeRecord(entries, this.marker, this.position);
    await this.file.write(record, this.position);
    this.position += record.length;
  }

  private async finish(): Promise<void> {
    await this.catchUp();
    if (this.stale) throw new Undone();
    await this.file.sync();
    await this.files.rename(unfinishedPath(this.directory), journalPath(this.directory));
    await this.journal.replaceBy({ file: this.file, marker: this.marker, length: this.position });
  }

  private async discard(): Promise<void> {
    await this.file?.close().catch(() => {});
    await this.files.remove(unfinishedPath(this.directory)).catch(() => {});
  }
}

function* entriesOf(collection: Collection): Generator<Buffer> {
  const { namespace } = collection;
  yield encodeEntry({ kind: 'create', namespace, raw: encode({ uuid: collection.uuid }) });
  for (const { raw } of collection.rows.values()) yield encodeEntry({ kind: 'put', namespace, raw });
  for (const { spec } of collection.indexes.values()) {
    if (spec !== collection.idIndex.spec) yield encodeEntry({ kind: 'createIndex', namespace, raw: encode(spec) });
  }
}
