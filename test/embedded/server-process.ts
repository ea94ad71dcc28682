import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const INDEX = pathToFileURL(join(__dirname, '..', '..', 'dist', 'embedded', 'mongo', 'index.js')).href;

/** Serves a directory from a worker thread and says so, or why not, in one line of JSON for each event. */
const PROGRAM = `
import { DirectoryLocked, startMongoWorker } from ${JSON.stringify(INDEX)};
const say = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
try {
  const server = await startMongoWorker({ directory: process.argv[1], warn: (warning) => say({ warning }) });
  server.onExit((error) => say({ ended: error.message }));
  process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
  setInterval(() => {}, 60_000);
  say({ uri: server.uri });
} catch (error) {
  say({ refused: error.message, locked: error instanceof DirectoryLocked, pid: error.pid, uri: error.uri });
}
`;

export interface Event {
  readonly uri?: string;
  readonly warning?: string;
  readonly refused?: string;
  readonly locked?: boolean;
  readonly pid?: number;
}

const running = new Set<ServerProcess>();

/** After each test: a test that failed in the middle must not leave a server behind. */
export async function killServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.end('SIGKILL')));
}

/** The embedded server in a process of its own, started from `dist/`. */
export class ServerProcess {
  readonly events: Event[] = [];
  readonly exited: Promise<unknown>;
  private text = '';

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
    child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (this.text + chunk.toString()).split('\n');
      this.text = lines.pop()!;
      for (const line of lines) this.events.push(JSON.parse(line) as Event);
    });
  }

  /** Resolves when it serves or has refused to. */
  static async start(directory: string): Promise<ServerProcess> {
    const args = ['--input-type=module', '-e', PROGRAM, directory];
    const server = new ServerProcess(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
    running.add(server);
    void server.exited.then(() => running.delete(server));
    while (!server.uri && !server.refusal) {
      await Promise.race([once(server.child.stdout!, 'data'), server.exited]);
      if (server.child.exitCode !== null && !server.refusal)
        throw new Error('the server process ended while it started');
    }
    return server;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get uri(): string | undefined {
    return this.refusal ? undefined : this.events.find(({ uri }) => uri !== undefined)?.uri;
  }

  get refusal(): Event | undefined {
    return this.events.find(({ refused }) => refused !== undefined);
  }

  get warnings(): string[] {
    return this.events.flatMap(({ warning }) => warning ?? []);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
  }
}
