import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { DirectoryLocked } from './journal/directory-lock.js';

export interface WorkerInput {
  readonly directory: string;
}

export type FromWorker =
  | { readonly kind: 'ready'; readonly uri: string; readonly lockPath?: string }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'locked'; readonly directory: string; readonly pid: number; readonly uri?: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'closed' };

export interface MongoWorkerOptions extends WorkerInput {
  readonly warn?: (message: string) => void;
}

/** The data cannot be opened; the message says why in a sentence for a person. */
export class CannotOpen extends Error {
  readonly expected = true;
}

type Ready = Extract<FromWorker, { kind: 'ready' }>;

/** The document server in a thread of its own, so that a long query does not hold up the caller's. */
export interface MongoWorker {
  readonly uri: string;
  /** Everything acknowledged is on disk and the directory is free when this resolves. */
  close(): Promise<void>;
  /** Called when the thread ends although nobody closed it; the data stay safe, the connections are gone. */
  onExit(listener: (error: Error) => void): void;
}

/** Runs the compiled `worker.js` beside this file. @throws DirectoryLocked, CannotOpen */
export async function startMongoWorker({ directory, warn = () => {} }: MongoWorkerOptions): Promise<MongoWorker> {
  const input: WorkerInput = { directory };
  // Without the flags of the process: some, such as --input-type, are for its main script only.
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: input, execArgv: [] });
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'warning') warn(message.message);
  });
  return new RunningWorker(worker, await started(worker));
}

function started(worker: Worker): Promise<Ready> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the document server ended while it started')));
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve(message);
      if (message.kind === 'failed') reject(new CannotOpen(message.message));
      if (message.kind === 'locked') reject(new DirectoryLocked(message.directory, message.pid, message.uri));
    });
  });
}

class RunningWorker implements MongoWorker {
  readonly uri: string;
  private readonly listeners: ((error: Error) => void)[] = [];
  private readonly ended: Promise<void>;
  private closing = false;

  constructor(
    private readonly worker: Worker,
    { uri, lockPath }: Ready,
  ) {
    this.uri = uri;
    let cause: Error | undefined;
    worker.on('error', (error: Error) => (cause = error));
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        // A thread that crashed leaves its lock, which names this process: nobody else could tell.
        if (lockPath !== undefined) rmSync(lockPath, { force: true });
        if (!this.closing) this.report(cause ?? new Error(`the document server ended with code ${code}`));
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    if (!this.closing) this.worker.postMessage('close');
    this.closing = true;
    await this.ended;
  }

  onExit(listener: (error: Error) => void): void {
    this.listeners.push(listener);
  }

  private report(error: Error): void {
    for (const listener of this.listeners) listener(error);
  }
}
