import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { dispatch } from './commands/dispatch.js';
import { type CounterSnapshot, Counters } from './counters.js';
import { Cursors } from './cursors.js';
import type { Engine } from './engine.js';
import { Expiry } from './expiry.js';
import type { Files } from './journal/files.js';
import { Storage } from './journal/storage.js';
import { Catalog } from './store/catalog.js';
import { memoryLog } from './store/log.js';
import { Connection } from './wire/connection.js';

export interface MongoServerOptions {
  /** Where the data is kept. Absent: in memory only, gone with the server. */
  readonly directory?: string;
  /** What a person should know although the server goes on. */
  readonly warn?: (message: string) => void;
  /** The clock of `$currentDate`, `$$NOW` and TTL indexes. Default: the system's. */
  readonly now?: () => Date;
  /** Time between two removals of expired documents. Default: 60,000. */
  readonly ttlIntervalMs?: number;
  /** Default: the disk. For tests of a disk that fails. */
  readonly files?: Files;
}

const IDLE_CHECK_MS = 60_000;
const TTL_INTERVAL_MS = 60_000;

/** The document server, in the calling thread, on a loopback port that the kernel chooses. */
export class MongoServer {
  private readonly connections = new Set<Connection>();
  private readonly idleTimer: NodeJS.Timeout;
  private readonly expiry: Expiry;
  private lastConnection = 0;

  private constructor(
    private readonly engine: Engine,
    private readonly listener: Server,
    options: MongoServerOptions,
    private readonly storage?: Storage,
  ) {
    listener.on('connection', (socket) => this.accept(socket));
    listener.on('error', (error) => options.warn?.(`a connection could not be accepted: ${error.message}`));
    this.idleTimer = setInterval(() => this.engine.cursors.killIdle(), IDLE_CHECK_MS).unref();
    this.expiry = new Expiry(engine, options.ttlIntervalMs ?? TTL_INTERVAL_MS, options.warn);
  }

  /** @throws DirectoryLocked, JournalDamaged, and what the file system says about the directory */
  static async open(options: MongoServerOptions): Promise<MongoServer> {
    const { directory, warn = () => {}, files, now = () => new Date() } = options;
    const storage = directory === undefined ? undefined : await Storage.open({ directory, warn, files });
    const { catalog, journal: log } = storage ?? { catalog: new Catalog(memoryLog), journal: memoryLog };
    const engine: Engine = { catalog, log, cursors: new Cursors(), counters: new Counters(), now };
    const listener = createServer();
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const server = new MongoServer(engine, listener, options, storage);
    storage?.lock.announce(server.uri);
    return server;
  }

  /** The file by which this process holds the directory. */
  get lockPath(): string | undefined {
    return this.storage?.lock.path;
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${(this.listener.address() as AddressInfo).port}/?directConnection=true`;
  }

  counters(): CounterSnapshot {
    return this.engine.counters.snapshot();
  }

  async close(): Promise<void> {
    clearInterval(this.idleTimer);
    await this.expiry.stop();
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    for (const connection of this.connections) connection.close();
    await closed;
    await this.storage?.close();
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
