import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import type { ModuleName } from '../../config/modules.js';
import { requestContext } from '../logging/request-context.js';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { Leases } from '../mongo/lease.repository.js';

const LEASE_MS = 10_000;
const RENEW_MS = 3000;

/** Who does a chore, when it is not a module's. */
export const ANY_PROCESS = 'any process';
type Doer = ModuleName | typeof ANY_PROCESS;

interface Chore {
  readonly everyMs: number;
  readonly run: () => Promise<void>;
  dueAt: number;
}

/** The chores of a module, or those that any process can do, and how long they are this process' to do. */
class Duty {
  readonly chores = new Map<string, Chore>();
  leaseUntil = 0;

  constructor(readonly leaseName: string) {}
}

/**
 * What runs beside the requests, in one process at a time: whoever holds a duty's lease does its chores, one after the
 * other. A process that dies loses the lease within seconds, and another goes on; chores bear being repeated. A process
 * has the duties of the modules it serves, and the one that any process can do.
 */
@Injectable()
export class Background implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Background.name);
  private readonly holder = randomUUID();
  private readonly duties: ReadonlyMap<Doer, Duty>;
  private stopped = false;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private nudged = false;

  constructor(
    private readonly leases: Leases,
    private readonly readiness: DatabaseReadiness,
    { modules }: AppConfig,
  ) {
    this.duties = new Map<Doer, Duty>([
      [ANY_PROCESS, new Duty('background')],
      ...modules.map((module): [Doer, Duty] => [module, new Duty(`background:${module}`)]),
    ]);
  }

  /** Registers a chore: at once after the start, then every so often. Those of modules served elsewhere are left to them. */
  every(who: Doer, name: string, everyMs: number, run: () => Promise<void>): void {
    this.duties.get(who)?.chores.set(name, { everyMs, run, dueAt: 0 });
  }

  /** Makes a chore due now, if this process is the one that does it. */
  nudge(name: string): void {
    for (const { chores } of this.duties.values()) {
      const chore = chores.get(name);
      if (!chore || this.stopped) continue;
      chore.dueAt = 0;
      this.nudged = true;
      if (!this.busy) this.wakeIn(NUDGE_DELAY_MS);
    }
  }

  onApplicationBootstrap(): void {
    this.wakeIn(0);
  }

  /** Begins nothing more, and gives the leases back when what runs has ended: another process goes on at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    for (const duty of this.duties.values()) {
      if (duty.leaseUntil <= performance.now()) continue;
      duty.leaseUntil = 0;
      await this.leases.release(duty.leaseName, this.holder).catch(() => undefined);
    }
  }

  /** Before the stores are closed, because the leases are in one of them. */
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
      if (this.readiness.isReady) for (const duty of this.duties.values()) await this.doChores(duty);
    } catch (error) {
      this.logger.warn(`background work waits: ${(error as Error).message}`);
    }
    this.busy = false;
    if (!this.stopped) this.wakeIn(this.nudged ? NUDGE_DELAY_MS : IDLE_MS);
  }

  private async lead(duty: Duty): Promise<boolean> {
    const now = performance.now();
    if (duty.leaseUntil - now > LEASE_MS - RENEW_MS) return true;
    duty.leaseUntil = (await this.leases.acquire(duty.leaseName, this.holder, LEASE_MS)) ? now + LEASE_MS : 0;
    return duty.leaseUntil > 0;
  }

  private async doChores(duty: Duty): Promise<void> {
    if (duty.chores.size === 0 || !(await this.lead(duty))) return;
    for (const [name, chore] of duty.chores) {
      if (this.stopped || chore.dueAt > performance.now()) continue;
      chore.dueAt = performance.now() + chore.everyMs;
      try {
        await chore.run();
      } catch (error) {
        this.logger.warn(`${name}: ${(error as Error).message}`);
      }
      if (!(await this.lead(duty))) return;
    }
  }
}

/** Lets the writes of a moment gather, so that the relay takes them in one look. */
const NUDGE_DELAY_MS = 25;
const IDLE_MS = 500;
