import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  FILE_HEADER_BYTES,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
  isIntact,
  payloadLength,
  readFileHeader,
} from './format.js';

const WINDOW_BYTES = 8 * 1024 * 1024;

/** The data cannot be used as it is, and guessing would lose some of it. */
export class JournalDamaged extends Error {}

/** Reads a journal from its start, through a window that moves over the file. */
export class RecordReader {
  readonly size: number;
  readonly marker: Buffer;
  /** Behind the last intact record. */
  position = FILE_HEADER_BYTES;
  private readonly fd: number;
  private window = Buffer.alloc(0);
  private windowStart = 0;

  constructor(readonly path: string) {
    this.fd = openSync(path, 'r');
    this.size = fstatSync(this.fd).size;
    const marker = readFileHeader(this.bytes(0, FILE_HEADER_BYTES));
    if (!marker) {
      closeSync(this.fd);
      throw new JournalDamaged(`${path} is not a journal of this version of TaskFlow, or its first bytes are damaged`);
    }
    this.marker = marker;
  }

  /** The payload of the next intact record; `undefined` at the end and at damage. Valid until the next call. */
  next(): Buffer | undefined {
    const record = this.recordAt(this.position);
    if (!record) return undefined;
    this.position += record.length;
    return record.subarray(RECORD_HEADER_BYTES);
  }

  /** The place of an intact record anywhere behind the last one that was read. */
  findIntactAfter(): number | undefined {
    for (let at = this.position + 1; at + RECORD_HEADER_BYTES <= this.size;) {
      const bytes = this.bytes(at, WINDOW_BYTES);
      const found = bytes.indexOf(this.marker);
      if (found < 0) {
        at += Math.max(1, bytes.length - this.marker.length + 1);
      } else {
        if (this.recordAt(at + found)) return at + found;
        at += found + 1;
      }
    }
    return undefined;
  }

  close(): void {
    closeSync(this.fd);
  }

  private recordAt(position: number): Buffer | undefined {
    const length = payloadLength(this.bytes(position, RECORD_HEADER_BYTES), this.marker);
    if (length === undefined || position + RECORD_HEADER_BYTES + length > this.size) return undefined;
    const record = this.bytes(position, RECORD_HEADER_BYTES + length);
    return isIntact(record, position) ? record : undefined;
  }

  /** At most `length` bytes from `position`, fewer at the end of the file. */
  private bytes(position: number, length: number): Buffer {
    const end = Math.min(position + length, this.size);
    if (position >= this.size) return Buffer.alloc(0);
    if (position < this.windowStart || end > this.windowStart + this.window.length) this.load(position, end - position);
    return this.window.subarray(position - this.windowStart, end - this.windowStart);
  }

  private load(position: number, length: number): void {
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.size - position, MAX_RECORD_BYTES + WINDOW_BYTES);
    this.window = Buffer.allocUnsafeSlow(wanted);
    this.windowStart = position;
    for (let done = 0; done < wanted;) {
      const read = readSync(this.fd, this.window, done, wanted - done, position + done);
      if (read === 0) throw new JournalDamaged(`${this.path} ended while it was read`);
      done += read;
    }
  }
}
