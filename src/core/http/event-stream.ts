import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** `connection: close`: it ends with its stream, so that one which is ending holds up no process that stops. */
const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  connection: 'close',
};

/** Milliseconds for what was written before the end. */
const LAST_WORDS_MS = 1000;

/** One block of an event stream. @param data JSON, in one line */
export const frame = (id: number, event: string, data: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;

/** An answer that goes on: server-sent events (WHATWG HTML, 9.2). Text that the client does not take is kept for it. */
export class EventStream {
  private wroteMs = performance.now();
  private backedUpSinceMs?: number;

  private constructor(private readonly raw: ServerResponse) {
    raw.on('drain', () => (this.backedUpSinceMs = undefined));
  }

  /** Sends the head. From here on no time limit of requests counts. @returns undefined when nobody is there any more */
  static begin(request: FastifyRequest, reply: FastifyReply): EventStream | undefined {
    const { raw } = reply;
    // Answered means given up: the time limit has struck.
    if (raw.destroyed || raw.headersSent) return undefined;
    reply.hijack();
    raw.writeHead(200, reply.headers(HEAD).getHeaders() as OutgoingHttpHeaders);
    reply.streamBegins();
    if (request.method !== 'HEAD') return new EventStream(raw);
    raw.end();
    return undefined;
  }

  onClose(listener: () => void): void {
    this.raw.once('close', listener);
  }

  /** The client has taken what it had been sent. */
  onDrain(listener: () => void): void {
    this.raw.on('drain', listener);
  }

  /** Whether the client takes nothing at the moment: who writes now makes a heap. */
  get isBackedUp(): boolean {
    return this.raw.writableNeedDrain;
  }

  write(text: string): void {
    if (this.raw.writableEnded) return;
    this.wroteMs = performance.now();
    this.raw.write(text);
  }

  /** A comment, when nothing else was written for so long: proxies and clients see that the connection lives. */
  beat(everyMs: number): void {
    if (!this.isBackedUp && performance.now() - this.wroteMs >= everyMs) this.write(':\n\n');
  }

  /** Whether the client has taken nothing for so long. To be asked again and again. */
  isStuckFor(ms: number): boolean {
    this.backedUpSinceMs = this.isBackedUp ? (this.backedUpSinceMs ?? performance.now()) : undefined;
    return this.backedUpSinceMs !== undefined && performance.now() - this.backedUpSinceMs >= ms;
  }

  /** The end, as a client expects it; of one that takes nothing, a moment later the end of the connection. */
  end(): void {
    this.raw.end();
    setTimeout(() => this.raw.destroy(), LAST_WORDS_MS).unref();
  }

  /** The end without another word. */
  cut(): void {
    this.raw.destroy();
  }
}
