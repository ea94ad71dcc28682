import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from './app.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from './dist.js';

/** API processes side by side, on one database and one Redis. */
export interface Fleet {
  readonly processes: readonly TaskFlowProcess[];
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
  return { processes, stop };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
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
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      };
      const sent = httpRequest(url, { method, agent: this.agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
