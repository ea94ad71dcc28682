import { faults } from '../faults.js';
import type { MongoFault } from '../language/index.js';
import type { Log, LogEntry } from '../store/log.js';
import { Batch } from './batch.js';
import type { Files, JournalFile } from './files.js';
import { encodeEntry, encodeRecord } from './format.js';
import { type Recovered, journalPath } from './recovery.js';

/** Entries beyond this wait for the next record. */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;

/** Someone who follows what becomes safe: the compaction. */
export interface Follower {
  safe(entries: readonly Buffer[]): void;
  /** Changes that it may have seen in memory were undone. */
  undone(): void;
}

/** A journal file that takes the place of the present one. */
export interface Replacement {
  readonly file: JournalFile;
  readonly marker: Buffer;
  readonly length: number;
}

/**
 * Append-only log on disk. Writes that arrive while a record is on its way to the disk share the next one.
 * If the disk refuses a record, everything in memory that is not safe is undone, newest first, and the file is
 * cut back to its last safe record; the next write tries again.
 */
export class Journal implements Log {
  /** Records so far, each with one `fsync`. */
  records = 0;
  follower?: Follower;
  private queue: Batch[] = [];
  private running = false;
  private onItsWay?: Batch;
  private cutFirst = false;
  private directoryUnsafe = false;
  private lost?: MongoFault;
  private betweenRecords: (() => Promise<void>)[] = [];

  /** Bytes of the file that are safe. */
  length = 0;
  private file: JournalFile;
  private marker: Buffer;

  /** @param grown called after each record */
  constructor(
    private readonly directory: string,
    private readonly files: Files,
    private readonly grown: () => void = () => {},
  ) {}

  /** Before the first entry. */
  async open({ marker, length }: Recovered): Promise<void> {
    this.file = await this.files.open(journalPath(this.directory), false);
    this.marker = marker;
    this.length = length;
  }

  append(entry: LogEntry, undo: () => void): void {
    let batch = this.queue.at(-1);
    if (!batch || batch === this.onItsWay || batch.bytes > MAX_BATCH_BYTES) {
      this.queue.push((batch = new Batch()));
    }
    batch.add(encodeEntry(entry), undo);
    this.start();
  }

  flushed(): Promise<void> {
    return this.queue.at(-1)?.done ?? Promise.resolve();
  }

  /** Runs `work` when no record is on its way; records wait for it. */
  pause<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.betweenRecords.push(() => work().then(resolve, reject));
      this.start();
    });
  }

  /** Only inside `pause`: goes on in another file. */
  async replaceBy(replacement: Replacement): Promise<void> {
    const before = this.file;
    this.file = replacement.file;
    this.marker = replacement.marker;
    this.length = replacement.length;
    this.cutFirst = false;
    this.directoryUnsafe = true;
    await before.close();
  }

  async close(): Promise<void> {
    await this.flushed().catch(() => {});
    await this.pause(() => this.file.close());
  }

  private start(): void {
    if (this.running) return;
    this.running = true;
    // Commands that arrived together are all run before the first of them is written.
    setImmediate(() => void this.run());
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0 || this.betweenRecords.length > 0) {
      await this.betweenRecords.shift()?.();
      const [batch] = this.queue;
      if (!batch) continue;
      this.onItsWay = batch;
      try {
        await this.write(batch);
      } catch (error) {
        await this.undoAll(error);
        continue;
      }
      this.queue.shift();
      this.follower?.safe(batch.entries);
      batch.resolve();
      this.grown();
    }
    this.running = false;
  }

  private async write(batch: Batch): Promise<void> {
    if (this.lost) throw this.lost;
    if (this.cutFirst) await this.cut();
    if (this.directoryUnsafe) {
      await this.files.syncDirectory(this.directory);
      this.directoryUnsafe = false;
    }
    const record = encodeRecord(batch.entries, this.marker, this.length);
    this.cutFirst = true;
    await this.file.write(record, this.length);
    await this.file.sync();
    this.cutFirst = false;
    this.length += record.length;
    this.records++;
  }

  private async undoAll(error: unknown): Promise<void> {
    const fault = faultOf(error);
    const batches = this.queue;
    this.queue = [];
    this.follower?.undone();
    try {
      for (const batch of batches.toReversed()) for (const undo of batch.undo.toReversed()) undo();
    } catch (failure) {
      // Memory and disk differ now; only a restart, which reads the disk, brings them together.
      this.lost = faults.diskFailed(`a refused write could not be undone (${String(failure)}): restart the server`);
    }
    if (this.cutFirst) await this.cut().catch(() => {});
    for (const batch of batches) batch.reject(fault);
  }

  private async cut(): Promise<void> {
    await this.file.truncate(this.length);
    await this.file.sync();
    this.cutFirst = false;
  }
}

function faultOf(error: unknown): MongoFault {
  const { code, message } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return full
    ? faults.outOfDiskSpace(`the journal cannot grow: ${message}`)
    : faults.diskFailed(`the journal cannot be written: ${message}`);
}
