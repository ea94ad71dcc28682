import { ObjectId, deserialize, serialize } from 'bson';
import { MAX_DEPTH, faults } from './faults.js';
import type { Doc } from './language/index.js';

/** 16 MiB, the size of a document that clients may store. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const FORMAT = { promoteLongs: false, promoteValues: true, promoteBuffers: false, bsonRegExp: true } as const;

/** @throws MongoFault 22 when the bytes are not BSON, 15 when it nests too deep. */
export function decode(bytes: Uint8Array): Doc {
  let doc: Doc;
  try {
    doc = deserialize(bytes, FORMAT);
  } catch (error) {
    if (isRangeError(error) && /call stack/i.test(error.message)) throw faults.tooDeep();
    throw faults.invalidBson(error instanceof Error ? error.message : 'invalid BSON');
  }
  checkDepth(doc, 1);
  return doc;
}

/** Bytes of a document as it was read back or made by an update. @throws MongoFault 10334 above 16 MiB. */
export function encode(doc: Doc): Buffer {
  const bytes = serializeOrRefuse(doc);
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) throw faults.tooLarge(bytes.byteLength);
  return bytes;
}

/** What `serialize` can hold. */
const MAX_REPLY_BYTES = 17 * 1024 * 1024;

/** Bytes of a reply; replies may be a little larger than documents. @throws MongoFault 10334 */
export function encodeReply(doc: Doc): Buffer {
  const bytes = serializeOrRefuse(doc);
  if (bytes.byteLength > MAX_REPLY_BYTES) throw faults.tooLarge(bytes.byteLength);
  return bytes;
}

function serializeOrRefuse(doc: Doc): Buffer {
  try {
    return asBuffer(serialize(doc));
  } catch (error) {
    // The buffer of `serialize` holds 17 MiB: whatever overflows it is above the limit as well.
    if (isRangeError(error)) throw faults.tooLarge(MAX_DOCUMENT_BYTES + 1);
    throw faults.invalidBson(error instanceof Error ? error.message : 'cannot be written as BSON');
  }
}

/** By name: the error may come from another realm. */
const isRangeError = (error: unknown): error is RangeError => (error as Error | undefined)?.name === 'RangeError';

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @throws MongoFault 15 */
export function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (!isContainer(value)) return;
  if (depth > MAX_DEPTH) throw faults.tooDeep();
  for (const name in value) checkDepth((value as Doc)[name], depth + 1);
}

const isContainer = (value: object): boolean =>
  Array.isArray(value) ||
  (!(value instanceof Date) && (Object.hasOwn(value, '_bsontype') || (value as Doc)['_bsontype'] === undefined));

export const isDocument = (value: unknown): value is Doc =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && isContainer(value);

/** A document ready to be stored: with an `_id` that is allowed, in first place, and its bytes. */
export interface Stored {
  readonly doc: Doc;
  readonly raw: Buffer;
}

/** @param bytes what the client sent for `doc`, when it is at hand */
export function prepare(doc: Doc, bytes?: Uint8Array): Stored {
  if (bytes && startsWithId(bytes)) {
    if (bytes.byteLength > MAX_DOCUMENT_BYTES) throw faults.tooLarge(bytes.byteLength);
    checkId(doc['_id']);
    return { doc, raw: Buffer.from(bytes) };
  }
  const { _id = new ObjectId(), ...rest } = doc;
  checkId(_id);
  const raw = encode(withId(_id, doc, rest));
  return { doc: decode(raw), raw };
}

/** Spreading keeps `__proto__` an own field only when it already is one. */
function withId(_id: unknown, doc: Doc, rest: Doc): Doc {
  return Object.keys(doc)[0] === '_id' ? doc : { _id, ...rest };
}

const ID_FIELD = Buffer.from('_id\0');
const startsWithId = (bytes: Uint8Array): boolean => ID_FIELD.equals(bytes.subarray(5, 9));

/** @throws MongoFault 2, 52 */
function checkId(id: unknown): void {
  const tag = typeof id === 'object' && id !== null ? (id as Doc)['_bsontype'] : undefined;
  if (Array.isArray(id)) throw faults.badValue("can't use an array for _id");
  if (tag === 'BSONRegExp') throw faults.badValue("can't use a regex for _id");
  if (id === undefined) throw faults.badValue("can't use a undefined for _id");
  const dollar = isDocument(id) ? Object.keys(id).find((name) => name.startsWith('$')) : undefined;
  if (dollar !== undefined) throw faults.dollarInId(dollar);
}
