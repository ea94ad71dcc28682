import type { Doc } from '../language/index.js';

/** One stored document. Indexes point at the row, so that a new version of the document moves nothing else. */
export interface Row {
  /** Encoded `_id`; the same in every version. */
  readonly id: string;
  /** Rises with each insert; tells entries with equal keys apart, in insertion order. */
  readonly sequence: string;
  doc: Doc;
  /** `doc` as BSON. */
  raw: Buffer;
  /** No longer stored: a scan that met it earlier must not return it. */
  gone: boolean;
}

const SEQUENCE_BYTES = 6;

/** Six bytes, one a character, so that the order of the strings is the order of the numbers. */
export function sequenceKey(count: number): string {
  let rest = count;
  let key = '';
  for (let i = 0; i < SEQUENCE_BYTES; i++) {
    key = String.fromCharCode(rest % 256) + key;
    rest = Math.floor(rest / 256);
  }
  return key;
}
