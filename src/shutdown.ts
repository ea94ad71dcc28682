import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { announceUnexpected } from './core/errors/unexpected-error.js';
import { Background } from './core/events/background.js';
import { LONGEST_REQUEST_MS } from './core/http/limits.js';
import { DatabaseReadiness } from './core/mongo/database-readiness.js';

/** For stores and exporters, after the last request. */
const STORES_CLOSE_MS = 5000;

/** The longest that unused connections are left to those who opened them. The proxy's own limit must be below. */
const IDLE_CONNECTIONS_MS = 5000;

/** The longest from the end of the drain to the end of the process: whoever kills it must wait longer. */
export const SHUTDOWN_AFTER_DRAIN_MS = LONGEST_REQUEST_MS + STORES_CLOSE_MS;

interface Stop {
  /** Still answers, for balancers to notice. */
  readonly drainMs: number;
  /** For the requests that run then. */
  readonly requestsMs: number;
}

interface Running {
  readonly app: NestFastifyApplication;
  readonly drainMs: number;
  /** What outlives the application's own stores. */
  readonly closeLast: () => Promise<void>;
}

/**
 * A turn of the event loop in which hardly anything was to do. Connections that the kernel has taken and the process has
 * not are reset when it stops listening: after such a turn that is those of the last millisecond.
 */
async function quietTurn(): Promise<void> {
  const deadline = performance.now() + 1000;
  for (let begun = performance.now(); begun < deadline; begun = performance.now()) {
    await new Promise(setImmediate);
    if (performance.now() - begun < 1) return;
  }
}

/**
 * The end of the process: not ready, drain, finish what runs, close the stores, exit. A signal begins it; each further
 * one cuts the present wait short. A crash does the same in seconds, because what state it left is not known.
 */
export class Shutdown {
  private readonly logger = new Logger(Shutdown.name);
  private running?: Running;
  private waiting?: AbortController;
  private readonly connections = new Set<Socket>();
  private begun = false;
  private exitCode = 0;

  /** Listens from the first moment: as process 1 of a container, a signal without a listener would be ignored. */
  constructor() {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.asked());
    // How PM2 asks where there are no signals (`shutdown_with_message`).
    process.on('message', (message) => message === 'shutdown' && this.asked());
    process.on('uncaughtException', (error) => this.crashed(error));
    process.on('unhandledRejection', (reason) => this.crashed(reason));
  }

  /** From now on there is something to finish. */
  finish(running: Running): void {
    this.running = running;
    const server: Server = running.app.getHttpServer();
    server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.once('close', () => this.connections.delete(socket));
    });
  }

  private asked(): void {
    if (!this.running) process.exit(0);
    if (this.begun) this.waiting?.abort();
    else void this.stop(this.running, { drainMs: this.running.drainMs, requestsMs: LONGEST_REQUEST_MS });
  }

  private crashed(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.logger.error(`crashed: ${cause.message}`, cause.stack);
    announceUnexpected({ error: cause });
    this.exitCode = 1;
    if (!this.running) process.exit(this.exitCode);
    const drainMs = Math.min(this.running.drainMs, 2000);
    if (!this.begun) void this.stop(this.running, { drainMs, requestsMs: 5000 });
  }

  private async stop({ app, closeLast }: Running, { drainMs, requestsMs }: Stop): Promise<void> {
    this.begun = true;
    setTimeout(() => this.giveUp(), drainMs + requestsMs + STORES_CLOSE_MS);
    app.get(DatabaseReadiness).stopAccepting();
    // Another process goes on with the chores while this one drains.
    void app.get(Background).stop();
    const server: Server = app.getHttpServer();
    if (server.listening) {
      await this.wait(drainMs);
      await this.endConnections(server, Math.min(drainMs, IDLE_CONNECTIONS_MS), requestsMs);
    }
    await app
      .close()
      .then(closeLast)
      .catch((error: Error) => this.failed(error));
    process.exit(this.exitCode);
  }

  /**
   * No new connections; those that are open are served on, and each ends with its next answer (`http.hooks.ts`). A proxy
   * sends requests on them as long as it has not been told, so the unused ones are first left for it to close.
   */
  private async endConnections(server: Server, idleMs: number, requestsMs: number): Promise<void> {
    const ended = once(server, 'close');
    await quietTurn();
    // http's own `close` would close unused connections at the same time.
    NetServer.prototype.close.call(server);
    await Promise.race([ended, this.wait(idleMs)]);
    server.closeIdleConnections();
    // Opened to be quick one day (by a browser, a balancer) and never used: Node would wait for them as for a request.
    for (const socket of this.connections) if (socket.bytesRead === 0) socket.destroy();
    await Promise.race([ended, this.wait(requestsMs - idleMs)]);
    server.closeAllConnections();
  }

  private async wait(ms: number): Promise<void> {
    this.waiting = new AbortController();
    await delay(ms, undefined, { signal: this.waiting.signal }).catch(() => undefined);
  }

  private failed({ message, stack }: Error): void {
    this.logger.error(`did not close: ${message}`, stack);
    this.exitCode = 1;
  }

  /** A store that does not close must not hold the process until somebody kills it. */
  private giveUp(): never {
    this.logger.error('did not end in time: something does not close');
    process.exit(1);
  }
}
