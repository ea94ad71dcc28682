import { decode, isDocument } from '../documents.js';
import { type Doc, MongoFault } from '../language/index.js';

export const HEADER_BYTES = 16;
/** Largest message, as `hello` announces it. */
export const MAX_MESSAGE_BYTES = 48_000_000;

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
/** Bits 0 to 15 must be understood by the receiver; these two are all there are. */
const UNKNOWN_REQUIRED_BITS = 0xffff & ~(CHECKSUM_PRESENT | MORE_TO_COME);

/** Bytes that are not the wire protocol; the connection ends. */
export class ProtocolError extends Error {}

export interface Message {
  readonly requestId: number;
  readonly body: Doc;
  /** Documents of kind 1 sections as they were sent, by the field of `body` that also holds them decoded. */
  readonly raw: ReadonlyMap<string, readonly Uint8Array[]>;
  /** The client wants no reply (`w: 0`). */
  readonly silent: boolean;
  /** From the old handshake: answered by OP_REPLY. */
  readonly legacy: boolean;
  /** The message could be told apart but not accepted: the answer. */
  readonly fault?: MongoFault;
}

/** @param frame one whole message, header included. @throws ProtocolError, MongoFault (BSON that is not valid) */
export function parseMessage(frame: Buffer): Message {
  const requestId = frame.readInt32LE(4);
  switch (frame.readInt32LE(12)) {
    case OP_MSG:
      return parseMsg(frame, requestId);
    case OP_QUERY:
      return parseQuery(frame, requestId);
    default:
      throw new ProtocolError('unknown opcode');
  }
}

function parseMsg(frame: Buffer, requestId: number): Message {
  const flags = frame.readUInt32LE(HEADER_BYTES);
  if (flags & UNKNOWN_REQUIRED_BITS) throw new ProtocolError('unknown flag');
  const end = frame.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  const raw = new Map<string, Uint8Array[]>();
  let body: Doc | undefined;
  let at = HEADER_BYTES + 4;
  while (at < end) {
    const kind = frame[at++];
    const size = sizeAt(frame, at, end);
    if (kind === 0 && !body) body = decode(frame.subarray(at, at + size));
    else if (kind === 1) parseSequence(frame.subarray(at + 4, at + size), raw);
    else throw new ProtocolError('unknown section');
    at += size;
  }
  if (!body) throw new ProtocolError('no body');
  for (const [field, documents] of raw) {
    if (Object.hasOwn(body, field)) throw new ProtocolError(`field ${field} is sent twice`);
    body[field] = documents.map(decode);
  }
  return { requestId, body, raw, silent: (flags & MORE_TO_COME) !== 0, legacy: false };
}

function parseSequence(section: Buffer, raw: Map<string, Uint8Array[]>): void {
  const nameEnd = section.indexOf(0);
  if (nameEnd < 0) throw new ProtocolError('section without a name');
  const name = section.toString('utf8', 0, nameEnd);
  if (raw.has(name) || name === '__proto__') throw new ProtocolError(`section ${name} is sent twice`);
  const documents: Uint8Array[] = [];
  for (let at = nameEnd + 1; at < section.length;) {
    const size = sizeAt(section, at, section.length);
    documents.push(section.subarray(at, at + size));
    at += size;
  }
  raw.set(name, documents);
}

function sizeAt(bytes: Buffer, at: number, end: number): number {
  const size = at + 4 <= end ? bytes.readInt32LE(at) : 0;
  if (size < 5 || at + size > end) throw new ProtocolError('bad length');
  return size;
}

/** OP_QUERY serves the first `hello` of a driver and nothing else. */
function parseQuery(frame: Buffer, requestId: number): Message {
  const nameEnd = frame.indexOf(0, HEADER_BYTES + 4);
  if (nameEnd < 0 || nameEnd + 9 > frame.length) throw new ProtocolError('bad query');
  const namespace = frame.toString('utf8', HEADER_BYTES + 4, nameEnd);
  const at = nameEnd + 9;
  const sent = decode(frame.subarray(at, at + sizeAt(frame, at, frame.length)));
  const body = isDocument(sent['$query']) ? sent['$query'] : sent;
  if (!/^(hello|ismaster)$/i.test(Object.keys(body)[0] ?? '')) {
    throw new MongoFault(352, 'UnsupportedOpQueryCommand', 'Unsupported OP_QUERY command');
  }
  body['$db'] = namespace.split('.')[0];
  return { requestId, body, raw: new Map(), silent: false, legacy: true };
}

/** @param body the bytes of a document */
export function formatReply(to: Message, body: Buffer, requestId: number): Buffer {
  return to.legacy ? formatOpReply(to, body, requestId) : formatMsg(to, body, requestId);
}

function formatMsg(to: Message, body: Buffer, requestId: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 5 + body.length);
  writeHeader(frame, requestId, to.requestId, OP_MSG);
  frame.writeUInt32LE(0, HEADER_BYTES);
  frame[HEADER_BYTES + 4] = 0;
  body.copy(frame, HEADER_BYTES + 5);
  return frame;
}

function formatOpReply(to: Message, body: Buffer, requestId: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + 20 + body.length);
  writeHeader(frame, requestId, to.requestId, OP_REPLY);
  frame.writeInt32LE(8, HEADER_BYTES);
  frame.writeInt32LE(1, HEADER_BYTES + 16);
  body.copy(frame, HEADER_BYTES + 20);
  return frame;
}

function writeHeader(frame: Buffer, requestId: number, responseTo: number, opcode: number): void {
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(requestId, 4);
  frame.writeInt32LE(responseTo, 8);
  frame.writeInt32LE(opcode, 12);
}
