import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { deserialize, serialize, type Document } from 'bson';

const OP_REPLY = 1;
const OP_MSG = 2013;
const HEADER_BYTES = 16;

/** A command as it was sent, its documents of sections of their own included. */
export interface WireCommand {
  /** `find`, `update`, … */
  readonly name: string;
  readonly collection: unknown;
  readonly body: Document;
}

/**
 * A proxy in front of a MongoDB that writes down which commands a client sends. The server calls itself a router of a
 * sharded cluster through it: to a server that stands alone, drivers say nothing of a read preference.
 */
export class MongoWire {
  readonly commands: WireCommand[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: { host: string; port: number },
    private readonly server: Server,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async to(uri: string): Promise<MongoWire> {
    const { hostname, port } = new URL(uri);
    const server = createServer();
    const wire = new MongoWire({ host: hostname, port: Number(port) }, server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  /** Without retryable writes, which only a real router could do. */
  uri(database: string): string {
    return `mongodb://127.0.0.1:${(this.server.address() as AddressInfo).port}/${database}?retryWrites=false`;
  }

  /** The commands on a collection since the last call. */
  take(collection: string): WireCommand[] {
    return this.commands.splice(0).filter((command) => command.collection === collection);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const upstream = connect(this.target);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    carry(client, (message) => {
      if (message.readInt32LE(12) === OP_MSG) this.commands.push(commandOf(message));
      upstream.write(message);
    });
    carry(upstream, (message) => client.write(asRouter(message)));
  }
}

/** Calls `take` with each whole message. */
function carry(from: Socket, take: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      take(rest.subarray(0, rest.readInt32LE(0)));
      rest = rest.subarray(rest.readInt32LE(0));
    }
  });
}

function commandOf(message: Buffer): WireCommand {
  const body: Document = {};
  for (let at = HEADER_BYTES + 4; at < message.length;) {
    const isDocument = message[at++] === 0;
    const end = at + message.readInt32LE(at);
    if (isDocument) Object.assign(body, deserialize(message.subarray(at, end)));
    else {
      const nameEnd = message.indexOf(0, at + 4);
      body[message.toString('utf8', at + 4, nameEnd)] = documents(message.subarray(nameEnd + 1, end));
    }
    at = end;
  }
  const [name = ''] = Object.keys(body);
  return { name, collection: body[name], body };
}

function documents(bytes: Buffer): Document[] {
  const found: Document[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
    found.push(deserialize(bytes.subarray(at, at + bytes.readInt32LE(at))));
  }
  return found;
}

/** The answer to a greeting with the mark of a router; any other as it is. */
function asRouter(message: Buffer): Buffer {
  const start = HEADER_BYTES + (message.readInt32LE(12) === OP_REPLY ? 20 : 5);
  const answer = deserialize(message.subarray(start), { allowObjectSmallerThanBufferSize: true });
  if (answer['maxWireVersion'] === undefined) return message;
  const marked = Buffer.concat([message.subarray(0, start), serialize({ ...answer, msg: 'isdbgrid' })]);
  marked.writeInt32LE(marked.length, 0);
  return marked;
}
