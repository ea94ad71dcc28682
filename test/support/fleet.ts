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
    return new Promise((resolve, reject) => {
      const options = { agent: this.agent, headers: { authorization: `Bearer ${this.token}` } };
      const sent = httpRequest(url, options, (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (body += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
