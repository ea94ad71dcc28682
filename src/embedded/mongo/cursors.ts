import { Long } from 'bson';
import { asBuffer, encodeReply } from './documents.js';
import { faults } from './faults.js';
import type { Deadline } from './query/deadline.js';

/** Reply bytes of one batch stay below this, one document excepted. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
export const FIRST_BATCH = 101;
const IDLE_MS = 10 * 60_000;

export interface CursorOwner {
  /** Hex of the logical session; without one the cursor lives and dies with its connection. */
  readonly session?: string;
  readonly connectionId: number;
  /** The client asked that it never times out. */
  readonly immortal?: boolean;
}

/** A result that is handed out in batches. */
export interface ServerCursor {
  readonly id: bigint;
  readonly namespace: string;
  readonly source: Iterator<Uint8Array>;
  readonly owner: CursorOwner;
  /** Of the command that opened it; runs only while batches are made. */
  readonly deadline?: Deadline;
  /** Documents still to come, where the query has a limit. */
  left: number;
  /** A document that did not fit the batch before. */
  held?: Uint8Array;
  lastUsed: number;
}

export interface FirstBatch {
  readonly deadline?: Deadline;
  readonly size: number;
  /** 0 or absent: none. Behind the last document no cursor stays open. */
  readonly limit?: number;
  /** Close the cursor after this batch whatever is left. */
  readonly single?: boolean;
}

interface Batch {
  readonly documents: readonly Uint8Array[];
  readonly done: boolean;
}

/** Open cursors by id. */
export class Cursors {
  private readonly open = new Map<bigint, ServerCursor>();
  private lastId = BigInt(Date.now()) << 20n;

  constructor(private readonly now: () => number = Date.now) {}

  get count(): number {
    return this.open.size;
  }

  /** The reply of `find`, `aggregate` or a list command: the first batch, and a cursor if that is not all. */
  reply(namespace: string, source: Iterator<Uint8Array>, owner: CursorOwner, first: FirstBatch): Buffer {
    const left = first.limit || Infinity;
    const { deadline } = first;
    const cursor: ServerCursor = { id: ++this.lastId, namespace, source, owner, deadline, left, lastUsed: this.now() };
    const batch = take(cursor, first.size);
    deadline?.suspend();
    const keep = !batch.done && !first.single;
    if (keep) this.open.set(cursor.id, cursor);
    return batchReply('firstBatch', batch.documents, keep ? cursor.id : 0n, namespace);
  }

  /** @param size 0: as many as fit. @throws MongoFault 43, 13 */
  next(id: bigint, namespace: string, size: number): Buffer {
    const cursor = this.open.get(id);
    if (!cursor) throw faults.cursorNotFound(id);
    if (cursor.namespace !== namespace) throw faults.foreignCursor(namespace, cursor.namespace);
    cursor.lastUsed = this.now();
    try {
      cursor.deadline?.resume();
      const batch = take(cursor, size === 0 ? Infinity : size);
      cursor.deadline?.suspend();
      if (batch.done) this.open.delete(id);
      return batchReply('nextBatch', batch.documents, batch.done ? 0n : id, namespace);
    } catch (error) {
      this.open.delete(id);
      throw error;
    }
  }

  kill(id: bigint): boolean {
    return this.open.delete(id);
  }

  killWhere(matches: (cursor: ServerCursor) => boolean): void {
    for (const cursor of this.open.values()) if (matches(cursor)) this.open.delete(cursor.id);
  }

  killIdle(): void {
    const oldest = this.now() - IDLE_MS;
    this.killWhere((cursor) => cursor.lastUsed < oldest && cursor.owner.immortal !== true);
  }
}

function take(cursor: ServerCursor, size: number): Batch {
  const documents: Uint8Array[] = [];
  let bytes = 0;
  while (documents.length < size) {
    const next = cursor.held ? { done: false, value: cursor.held } : cursor.source.next();
    cursor.held = undefined;
    if (next.done) return { documents, done: true };
    const document = next.value;
    if (documents.length > 0 && bytes + document.length > MAX_BATCH_BYTES) {
      cursor.held = document;
      break;
    }
    documents.push(document);
    bytes += document.length;
    if (--cursor.left === 0) break;
  }
  return { documents, done: cursor.left === 0 };
}

/** Copies the stored bytes of documents into a reply instead of writing each of them as BSON again. */
function batchReply(
  field: 'firstBatch' | 'nextBatch',
  documents: readonly Uint8Array[],
  id: bigint,
  namespace: string,
): Buffer {
  const tail = encodeReply({ id: Long.fromBigInt(id), ns: namespace });
  const name = Buffer.from(`\x04${field}\0`, 'latin1');
  const array = arrayOf(documents);
  const cursorSize = 4 + name.length + array.length + tail.length - 4;
  const head = Buffer.from('\x03cursor\0', 'latin1');
  const ok = OK_FIELD;
  const reply = Buffer.allocUnsafe(4 + head.length + cursorSize + ok.length + 1);
  let at = reply.writeInt32LE(reply.length, 0);
  at += head.copy(reply, at);
  at = reply.writeInt32LE(cursorSize, at);
  at += name.copy(reply, at);
  at += array.copy(reply, at);
  at += tail.copy(reply, at, 4);
  at += ok.copy(reply, at);
  reply[at] = 0;
  return reply;
}

/** The field `ok: 1.0` without the document around it. */
const OK_FIELD = Buffer.from('\x01ok\0\0\0\0\0\0\0\xf0\x3f', 'latin1');

function arrayOf(documents: readonly Uint8Array[]): Buffer {
  const names = documents.map((_, i) => `\x03${i}\0`);
  const size = documents.reduce((sum, document, i) => sum + (names[i] as string).length + document.length, 5);
  const array = Buffer.allocUnsafe(size);
  let at = array.writeInt32LE(size, 0);
  documents.forEach((document, i) => {
    at += array.write(names[i] as string, at, 'latin1');
    at += asBuffer(document).copy(array, at);
  });
  array[at] = 0;
  return array;
}
