import { parentPort, workerData } from 'node:worker_threads';
import { DirectoryLocked } from './journal/directory-lock.js';
import { MongoServer } from './server.js';
import type { FromWorker, WorkerInput } from './worker-host.js';

const post = (message: FromWorker): void => parentPort?.postMessage(message);

async function serve({ directory }: WorkerInput): Promise<void> {
  const server = await MongoServer.open({ directory, warn: (message) => post({ kind: 'warning', message }) });
  parentPort?.once('message', () => void stop(server));
  post({ kind: 'ready', uri: server.uri, lockPath: server.lockPath });
}

async function stop(server: MongoServer): Promise<void> {
  await server.close();
  post({ kind: 'closed' });
  parentPort?.close();
}

function refuse(error: unknown): void {
  const { directory } = workerData as WorkerInput;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DirectoryLocked) {
    post({ kind: 'locked', directory, pid: error.pid, uri: error.uri });
  } else {
    post({ kind: 'failed', message: `the data in ${directory} cannot be opened: ${message}` });
  }
  parentPort?.close();
}

serve(workerData as WorkerInput).catch(refuse);
