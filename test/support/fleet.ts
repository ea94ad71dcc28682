import { Agent, request, type IncomingHttpHeaders, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from './app.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from './dist.js';

/** API processes side by side, on one database and one Redis. */
export interface Fleet {
  readonly databaseUri: string;
  readonly processes: readonly TaskFlowProcess[];
  /** A new process in the place and on the port of one that has ended. */
  replace(index: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param environment the same for all; `REDIS_URL` is what makes them a fleet */
export async function startFleet(size: number, environment: Record<string, string>): Promise<Fleet> {
  requireCurrentDist();
  const database = await startTestDatabase();
  const common = {
    MONGODB_URI: database.uri,
    JWT_KEYS: generateJwtKey(),
    SECRET_KEY: 'a test key that all processes of the fleet share',
    ...environment,
  };
  const started = await Promise.allSettled(Array.from({ length: size }, () => startProcess(common)));
  const processes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((process) => process.end('SIGKILL')));
    await database.close();
  };
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const replace = async (index: number): Promise<void> => {
    const { port } = new URL(processes[index]!.url);
    processes[index] = await startProcess({ ...common, PORT: port });
  };
  return { databaseUri: database.uri, processes, replace, stop };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as it came, compressed or not. */
  readonly bytes: Buffer;
}

/** One request as it is, and its whole answer: nothing follows a redirect, normalises the path or unpacks the body. */
export function exchange(url: string, options: RequestOptions = {}, body?: string): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const headers = { ...length, ...(options.headers as OutgoingHttpHeaders) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: answer.statusCode!, headers: answer.headers, bytes, body: bytes.toString() });
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Requests over connections that stay open, for many at once: supertest opens one each. */
export class KeepAliveClient {
  private readonly agent;

  constructor(
    private readonly token: string,
    maxSockets = 50,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets });
  }

  get(url: string): Promise<Answer> {
    return this.send('GET', url);
  }

  post(url: string, body: object): Promise<Answer> {
    return this.send('POST', url, JSON.stringify(body));
  }

  private send(method: string, url: string, body?: string): Promise<Answer> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${this.token}`, ...json };
    return exchange(url, { method, headers, agent: this.agent }, body);
  }

  close(): void {
    this.agent.destroy();
  }
}
