import { chmodSync } from 'node:fs';
import { Catalog } from '../store/catalog.js';
import { Compaction } from './compaction.js';
import { DirectoryLock } from './directory-lock.js';
import { type Files, disk } from './files.js';
import { Journal } from './journal.js';
import { recover } from './recovery.js';

export interface StorageOptions {
  readonly directory: string;
  readonly warn: (message: string) => void;
  /** Default: the disk. */
  readonly files?: Files;
  /** Bytes below which a journal is never compacted (8 MiB). */
  readonly compactFromBytes?: number;
}

const COMPACT_FROM_BYTES = 8 * 1024 * 1024;
/** A journal is compacted when it is this many times as large as what it has to keep. */
const GARBAGE_FACTOR = 2;
/** Of an entry beside its document: kind, lengths and the name of a collection. */
const ENTRY_OVERHEAD = 40;

/** A directory with its lock, what its journal holds, and the journal that goes on. */
export class Storage {
  readonly catalog: Catalog;
  readonly journal: Journal;
  /** The length from which compacting is tried again after it failed. */
  private compactAgainFrom = 0;
  private compacting?: Promise<void>;
  private closed = false;

  private constructor(
    readonly lock: DirectoryLock,
    private readonly options: StorageOptions,
    private readonly files: Files,
  ) {
    this.journal = new Journal(options.directory, files, () => this.compactIfWorth());
    this.catalog = new Catalog(this.journal);
  }

  /** @throws DirectoryLocked, JournalDamaged, and what the file system says */
  static async open(options: StorageOptions): Promise<Storage> {
    const { directory, warn, files = disk } = options;
    const lock = await DirectoryLock.acquire(directory);
    try {
      chmodSync(directory, 0o700);
      const storage = new Storage(lock, options, files);
      await storage.journal.open(await recover(directory, storage.catalog, storage.journal, warn, files));
      storage.compactIfWorth();
      return storage;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.journal.follower?.undone();
    await this.compacting;
    await this.journal.close();
    this.lock.release();
  }

  private compactIfWorth(): void {
    const { compactFromBytes = COMPACT_FROM_BYTES } = this.options;
    const { length } = this.journal;
    if (this.compacting || this.closed || length < Math.max(compactFromBytes, this.compactAgainFrom)) return;
    if (length < GARBAGE_FACTOR * this.liveBytes()) return;
    this.compacting = this.compact().finally(() => (this.compacting = undefined));
  }

  private async compact(): Promise<void> {
    const { directory, warn } = this.options;
    try {
      const done = await Compaction.run(directory, this.journal, this.catalog, this.files);
      this.compactAgainFrom = done ? 0 : this.journal.length + COMPACT_FROM_BYTES;
    } catch (error) {
      this.compactAgainFrom = this.journal.length + COMPACT_FROM_BYTES;
      warn(`the journal in ${directory} could not be compacted and goes on growing: ${String(error)}`);
    }
  }

  private liveBytes(): number {
    return this.catalog.all().reduce((sum, { dataBytes, rows }) => sum + dataBytes + rows.size * ENTRY_OVERHEAD, 0);
  }
}
