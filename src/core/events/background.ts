import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { requestContext } from '../logging/request-context.js';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { Leases } from '../mongo/lease.repository.js';

const LEASE_MS = 10_000;
const RENEW_MS = 3000;

interface Chore {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
  dueAt: number;
}

/**
 * What runs beside the requests, in one process at a time: whoever holds the lease does the chores, one after the
 * other. A process that dies loses the lease within seconds, and another goes on; chores bear being repeated.
 */
@Injectable()
export class Background implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Background.name);
  private readonly holder = randomUUID();
  private readonly chores = new Map<string, Chore>();
  private leaseUntil = 0;
  private stopped = false;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private nudged = false;

  constructor(
    private readonly leases: Leases,
    private readonly readiness: DatabaseReadiness,
  ) {}

  /** Registers a chore: at once after the start, then every so often. */
  every(name: string, everyMs: number, run: () => Promise<void>): void {
    this.chores.set(name, { name, everyMs, run, dueAt: 0 });
  }

  /** Makes a chore due now, if this process is the one that does it. */
  nudge(name: string): void {
    const chore = this.chores.get(name);
    if (!chore || this.stopped) return;
    chore.dueAt = 0;
    this.nudged = true;
    if (!this.busy) this.wakeIn(NUDGE_DELAY_MS);
  }

  onApplicationBootstrap(): void {
    this.wakeIn(0);
  }

  /** Begins nothing more, and gives the lease back when what runs has ended: another process goes on at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    if (this.leaseUntil <= performance.now()) return;
    this.leaseUntil = 0;
    await this.leases.release('background', this.holder).catch(() => undefined);
  }

  /** Before the stores are closed, because the lease is in one of them. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  private wakeIn(ms: number): void {
    clearTimeout(this.timer);
    // A writer's nudge comes from inside its request, whose id does not belong to what runs later.
    this.timer = requestContext.exit(() => setTimeout(() => this.begin(), ms).unref());
  }

  private begin(): void {
    this.running = this.round();
  }

  private async round(): Promise<void> {
    this.busy = true;
    this.nudged = false;
    try {
      if (this.readiness.isReady && (await this.lead())) await this.doChores();
    } catch (error) {
      this.logger.warn(`background work waits: ${(error as Error).message}`);
    }
    this.busy = false;
    if (!this.stopped) this.wakeIn(this.nudged ? NUDGE_DELAY_MS : IDLE_MS);
  }

  private async lead(): Promise<boolean> {
    const now = performance.now();
    if (this.leaseUntil - now > LEASE_MS - RENEW_MS) return true;
    this.leaseUntil = (await this.leases.acquire('background', this.holder, LEASE_MS)) ? now + LEASE_MS : 0;
    return this.leaseUntil > 0;
  }

  private async doChores(): Promise<void> {
    for (const chore of this.chores.values()) {
      if (this.stopped || chore.dueAt > performance.now()) continue;
      chore.dueAt = performance.now() + chore.everyMs;
      try {
        await chore.run();
      } catch (error) {
        this.logger.warn(`${chore.name}: ${(error as Error).message}`);
      }
      if (!(await this.lead())) return;
    }
  }
}

/** Lets the writes of a moment gather, so that the relay takes them in one look. */
const NUDGE_DELAY_MS = 25;
const IDLE_MS = 500;
