import { Logger } from '@nestjs/common';
import { requestContext } from '../logging/request-context.js';
import type { Leases } from '../mongo/lease.repository.js';

const LEASE_MS = 10_000;
const RENEW_MS = 3000;
/** Lets the writes of a moment gather, so that the relay takes them in one look. */
const NUDGE_DELAY_MS = 25;
const IDLE_MS = 500;
/** Of a process without the lease. */
const LOOK_MS = 1000;

interface Chore {
  readonly everyMs: number;
  readonly run: () => Promise<void>;
  dueAt: number;
  /** Since it failed: nudges do not hurry it until it has succeeded, and its failures are told once. */
  failure?: string;
}

/** Chores that are done one after the other by whoever holds their lease, and how long that is this process. */
export class Duty {
  private readonly logger = new Logger('Background');
  private readonly chores = new Map<string, Chore>();
  private leaseUntil = 0;
  private stopped = false;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private nudged = false;

  /** @param lease absent: any number of processes do it side by side */
  constructor(
    private readonly isReady: () => boolean,
    private readonly lease?: { readonly name: string; readonly holder: string; readonly leases: Leases },
  ) {}

  add(name: string, everyMs: number, run: () => Promise<void>): void {
    this.chores.set(name, { everyMs, run, dueAt: 0 });
  }

  /** Makes a chore due now. Called by every writer: all but the first call of a moment, where the lease is, cost nothing. */
  nudge(name: string): void {
    const chore = this.chores.get(name);
    if (!chore || chore.failure !== undefined || this.stopped || !this.isHeld) return;
    chore.dueAt = 0;
    if (this.nudged) return;
    this.nudged = true;
    if (!this.busy) this.wakeIn(NUDGE_DELAY_MS);
  }

  start(): void {
    this.wakeIn(0);
  }

  /** Begins nothing more, and gives the lease back when what runs has ended: another process goes on at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    if (!this.lease || !this.isHeld) return;
    this.leaseUntil = 0;
    await this.lease.leases.release(this.lease.name, this.lease.holder).catch(() => undefined);
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
      if (this.isReady() && (await this.lead())) await this.doChores();
    } catch (error) {
      this.logger.warn(`background work waits: ${(error as Error).message}`);
    }
    this.busy = false;
    if (!this.stopped) this.wakeIn(this.nudged ? NUDGE_DELAY_MS : this.isHeld ? IDLE_MS : LOOK_MS);
  }

  private get isHeld(): boolean {
    return !this.lease || this.leaseUntil > performance.now();
  }

  /** @returns whether the lease is held, for long enough to begin something */
  private async lead(): Promise<boolean> {
    const now = performance.now();
    if (!this.lease || this.leaseUntil - now > LEASE_MS - RENEW_MS) return true;
    const { name, holder, leases } = this.lease;
    this.leaseUntil = (await leases.acquire(name, holder, LEASE_MS)) ? now + LEASE_MS : 0;
    return this.isHeld;
  }

  private async doChores(): Promise<void> {
    // A chore may take longer than the lease lasts.
    const renewal = setInterval(() => void this.lead().catch(() => undefined), RENEW_MS);
    try {
      for (const [name, chore] of this.chores) {
        if (this.stopped || chore.dueAt > performance.now()) continue;
        chore.dueAt = performance.now() + chore.everyMs;
        await this.run(name, chore);
        if (!(await this.lead())) return;
      }
    } finally {
      clearInterval(renewal);
    }
  }

  private async run(name: string, chore: Chore): Promise<void> {
    try {
      await chore.run();
      chore.failure = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (chore.failure !== message) this.logger.warn(`${name}: ${message}`);
      chore.failure = message;
    }
  }
}
