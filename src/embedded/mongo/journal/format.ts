import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EntryKind, LogEntry } from '../store/log.js';

/**
 * The file: a header, then records. A record is what one `fsync` made safe, so a record that is damaged at
 * the end was never acknowledged, and one that is damaged before an intact one is damage of the disk.
 *
 *   header  "taskflow journal" · version u32 · marker 8 bytes · crc32 of all before
 *   record  marker · length u32 · crc32 of place, length and payload · payload
 *   payload entries: kind u8 · length u16 and bytes of the namespace · length u32 and bytes of BSON
 *
 * Numbers are little endian. The marker is random for each file, so that no stored document can look like
 * a record.
 */
const MAGIC = Buffer.from('taskflow journal', 'latin1');
const VERSION = 1;
const MARKER_BYTES = 8;
export const FILE_HEADER_BYTES = MAGIC.length + 4 + MARKER_BYTES + 4;
export const RECORD_HEADER_BYTES = MARKER_BYTES + 8;
/** Far above what the journal writes; a longer length is damage. */
export const MAX_RECORD_BYTES = 256 * 1024 * 1024;

const KINDS: readonly EntryKind[] = ['put', 'delete', 'create', 'drop', 'createIndex', 'dropIndex'];

export const newMarker = (): Buffer => randomBytes(MARKER_BYTES);

export function fileHeader(marker: Buffer): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  let at = MAGIC.copy(header);
  at = header.writeUInt32LE(VERSION, at);
  at += marker.copy(header, at);
  header.writeUInt32LE(crc32(header.subarray(0, at)), at);
  return header;
}

/** The marker of a file, or `undefined` when the bytes are no header of this version. */
export function readFileHeader(bytes: Buffer): Buffer | undefined {
  if (bytes.length < FILE_HEADER_BYTES) return undefined;
  const marker = Buffer.from(bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + MARKER_BYTES));
  return fileHeader(marker).equals(bytes.subarray(0, FILE_HEADER_BYTES)) ? marker : undefined;
}

export function encodeEntry({ kind, namespace, raw }: LogEntry): Buffer {
  const name = Buffer.from(namespace, 'utf8');
  const bytes = Buffer.allocUnsafe(7 + name.length + raw.length);
  let at = bytes.writeUInt8(KINDS.indexOf(kind), 0);
  at = bytes.writeUInt16LE(name.length, at);
  at += name.copy(bytes, at);
  at = bytes.writeUInt32LE(raw.length, at);
  raw.copy(bytes, at);
  return bytes;
}

/** One record that will stand at `position`. */
export function encodeRecord(entries: readonly Buffer[], marker: Buffer, position: number): Buffer {
  const length = entries.reduce((sum, entry) => sum + entry.length, 0);
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + length);
  let at = RECORD_HEADER_BYTES;
  for (const entry of entries) at += entry.copy(record, at);
  marker.copy(record);
  record.writeUInt32LE(length, MARKER_BYTES);
  record.writeUInt32LE(checksum(record.subarray(RECORD_HEADER_BYTES), position), MARKER_BYTES + 4);
  return record;
}

/** The length of the payload whose header this is, or `undefined` for what cannot be one. */
export function payloadLength(header: Buffer, marker: Buffer): number | undefined {
  if (header.length < RECORD_HEADER_BYTES || !marker.equals(header.subarray(0, MARKER_BYTES))) return undefined;
  const length = header.readUInt32LE(MARKER_BYTES);
  return length <= MAX_RECORD_BYTES ? length : undefined;
}

export const isIntact = (record: Buffer, position: number): boolean =>
  record.readUInt32LE(MARKER_BYTES + 4) === checksum(record.subarray(RECORD_HEADER_BYTES), position);

/** The place is part of it: bytes of another place, as a disk may give them back, do not pass. */
function checksum(payload: Buffer, position: number): number {
  const place = Buffer.allocUnsafe(12);
  place.writeDoubleLE(position, 0);
  place.writeUInt32LE(payload.length, 8);
  return crc32(payload, crc32(place));
}

/** The entries of an intact payload; their bytes are copies. */
export function* decodeEntries(payload: Buffer): Generator<LogEntry> {
  for (let at = 0; at < payload.length;) {
    const kind = KINDS[payload.readUInt8(at)] as EntryKind;
    const nameEnd = at + 3 + payload.readUInt16LE(at + 1);
    const namespace = payload.toString('utf8', at + 3, nameEnd);
    const end = nameEnd + 4 + payload.readUInt32LE(nameEnd);
    yield { kind, namespace, raw: Buffer.from(payload.subarray(nameEnd + 4, end)) };
    at = end;
  }
}
