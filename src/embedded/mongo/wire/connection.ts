import type { Socket } from 'node:net';
import { MongoFault } from '../language/index.js';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, type Message, formatReply, parseMessage } from './message.js';

/** Answers one message; never rejects. */
export type Handler = (message: Message, connection: Connection) => Promise<Buffer>;

/** Messages read ahead of the one that runs, before the socket is paused. */
const MAX_AHEAD = 16;

/** One client. Its commands run in the order in which they came; bytes that make no sense end it. */
export class Connection {
  private chunks: Buffer[] = [];
  private buffered = 0;
  private readonly queue: Message[] = [];
  private running = false;
  private replies = 0;

  constructor(
    readonly id: number,
    private readonly socket: Socket,
    private readonly handle: Handler,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => socket.destroy());
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    try {
      for (let frame = this.nextFrame(); frame; frame = this.nextFrame()) this.accept(frame);
    } catch {
      this.close();
    }
    if (this.queue.length > MAX_AHEAD) this.socket.pause();
    this.drain().catch(() => this.close());
  }

  private nextFrame(): Buffer | undefined {
    if (this.buffered < HEADER_BYTES) return undefined;
    if ((this.chunks[0] as Buffer).length < HEADER_BYTES) this.join();
    const length = (this.chunks[0] as Buffer).readInt32LE(0);
    if (length < HEADER_BYTES + 5 || length > MAX_MESSAGE_BYTES) throw new RangeError('bad message length');
    if (this.buffered < length) return undefined;
    const bytes = this.join();
    const rest = bytes.subarray(length);
    this.chunks = rest.length > 0 ? [rest] : [];
    this.buffered = rest.length;
    return bytes.subarray(0, length);
  }

  private join(): Buffer {
    const bytes = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    this.chunks = [bytes];
    return bytes;
  }

  private accept(frame: Buffer): void {
    try {
      this.queue.push(parseMessage(frame));
    } catch (error) {
      // A body that is valid BSON but nests too deep deserves an answer; everything else ends the connection.
      if (!(error instanceof MongoFault) || error.codeName === 'InvalidBSON') throw error;
      const requestId = frame.readInt32LE(4);
      this.queue.push({ requestId, body: {}, raw: new Map(), silent: false, legacy: false, fault: error });
    }
  }

  private async drain(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let message = this.queue.shift(); message && !this.socket.destroyed; message = this.queue.shift()) {
      await this.answer(message);
      if (this.queue.length <= MAX_AHEAD) this.socket.resume();
    }
    this.running = false;
  }

  private async answer(message: Message): Promise<void> {
    const reply = await this.handle(message, this);
    if (message.silent || this.socket.destroyed) return;
    if (!this.socket.write(formatReply(message, reply, ++this.replies))) await this.drained();
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }
}
