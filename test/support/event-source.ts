import { request, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { eventually } from './eventually.js';

/** An event as it came. */
export interface ReceivedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A client of `GET /api/v1/events`, as the standard has it (WHATWG HTML, 9.2), that does not come back by itself. */
export class EventSource {
  /** Without `ready` and `reset`, which are about the stream itself. */
  readonly events: ReceivedEvent[] = [];
  /** The first event, which says where the stream begins. */
  first?: ReceivedEvent;
  lastEventId = '';
  comments = 0;
  retryMs?: number;
  /** `end`: as it should be; `cut`: in the middle. */
  closed?: 'end' | 'cut';
  private rest = '';

  private constructor(
    private readonly sent: ClientRequest,
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
  ) {}

  /** Resolves when the first event has come. @throws with the answer, when it is no stream */
  static async open(
    url: string,
    token: string,
    { lastEventId, query = '' }: { lastEventId?: string; query?: string } = {},
  ): Promise<EventSource> {
    const headers = { authorization: `Bearer ${token}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
    const source = await new Promise<EventSource>((resolve, reject) => {
      const sent = request(`${url}/api/v1/events${query}`, { headers, agent: false }, (answer) => {
        const opened = new EventSource(sent, answer.statusCode!, answer.headers);
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => opened.take(text));
        answer.on('error', () => undefined);
        answer.on('close', () => (opened.closed = answer.complete ? 'end' : 'cut'));
        resolve(opened);
      });
      sent.on('error', reject);
      sent.end();
    });
    if (source.status !== 200) throw new Error(`${source.status}`);
    await eventually(() => expect(source.first).toBeDefined());
    return source;
  }

  /** Goes away without a word. */
  close(): void {
    this.sent.destroy();
  }

  private take(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) this.dispatch(block.split('\n'));
  }

  private dispatch(lines: readonly string[]): void {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line)!;
      if (name === '') this.comments++;
      else fields.set(name!, value!);
    }
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    this.retryMs = fields.has('retry') ? Number(fields.get('retry')) : this.retryMs;
    if (!fields.has('data')) return;
    const received = {
      id: this.lastEventId,
      event: fields.get('event') ?? 'message',
      data: JSON.parse(fields.get('data')!) as Record<string, unknown>,
    };
    if (this.first) this.events.push(received);
    else this.first = received;
  }
}
