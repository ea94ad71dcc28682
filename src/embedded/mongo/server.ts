import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { dispatch } from './commands/dispatch.js';
import { type CounterSnapshot, Counters } from './counters.js';
import { Cursors } from './cursors.js';
import type { Engine } from './engine.js';
import { Catalog } from './store/catalog.js';
import { memoryLog } from './store/log.js';
import { Connection } from './wire/connection.js';

export interface MongoServerOptions {
  /** Where the data is kept. Absent: in memory only, gone with the server. */
  readonly directory?: string;
  /** What a person should know although the server goes on. */
  readonly warn?: (message: string) => void;
}

const IDLE_CHECK_MS = 60_000;

/** The document server, in the calling thread, on a loopback port that the kernel chooses. */
export class MongoServer {
  private readonly connections = new Set<Connection>();
  private readonly timer: NodeJS.Timeout;
  private lastConnection = 0;

  private constructor(
    private readonly engine: Engine,
    private readonly listener: Server,
  ) {
    listener.on('connection', (socket) => this.accept(socket));
    this.timer = setInterval(() => this.engine.cursors.killIdle(), IDLE_CHECK_MS).unref();
  }

  static async open(_options: MongoServerOptions): Promise<MongoServer> {
    const catalog = new Catalog(memoryLog);
    const engine: Engine = {
      catalog,
      log: memoryLog,
      cursors: new Cursors(),
      counters: new Counters(),
      now: () => new Date(),
    };
    const listener = createServer();
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new MongoServer(engine, listener);
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${(this.listener.address() as AddressInfo).port}/?directConnection=true`;
  }

  counters(): CounterSnapshot {
    return this.engine.counters.snapshot();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    for (const connection of this.connections) connection.close();
    await closed;
  }

  private accept(socket: Socket): void {
    const handle = (message: Parameters<typeof dispatch>[1], from: Connection) => dispatch(this.engine, message, from);
    const connection = new Connection(++this.lastConnection, socket, handle);
    this.connections.add(connection);
    socket.on('close', () => {
      this.connections.delete(connection);
      this.engine.cursors.killWhere(({ owner }) => !owner.session && owner.connectionId === connection.id);
    });
  }
}
