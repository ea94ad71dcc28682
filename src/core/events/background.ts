import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import type { ModuleName } from '../../config/modules.js';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { Leases } from '../mongo/lease.repository.js';
import { Duty } from './duty.js';

/**
 * How much of one kind a process does side by side. Less than the default pool has connections: whoever asks for many at
 * once lets requests wait behind all of it.
 */
export const AT_ONCE = 4;

/** Who does a chore, when it is not a module's: one of them, whichever, or all of them side by side. */
export const ANY_PROCESS = 'any process';
export const EVERY_PROCESS = 'every process';
type Doer = ModuleName | typeof ANY_PROCESS | typeof EVERY_PROCESS;

/**
 * What runs beside the requests, in one process at a time: whoever holds a lease does the chores under it, one after
 * the other. A process that dies loses its leases within seconds, and another goes on; chores bear being repeated.
 * A process does the chores of the modules it serves, and those that any process can do; with `ROLE=api`, none.
 */
@Injectable()
export class Background implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly holder = randomUUID();
  private readonly duties = new Map<string, Duty>();
  /** By the chores' names. */
  private readonly doers = new Map<string, Duty[]>();

  constructor(
    private readonly leases: Leases,
    private readonly readiness: DatabaseReadiness,
    private readonly config: AppConfig,
  ) {}

  /**
   * Registers a chore: at once after the start, then every so often. Those of modules served elsewhere are left to them.
   * @param part has a lease of its own, so that other chores neither wait for it nor have to be in the same process
   */
  every(who: Doer, name: string, everyMs: number, run: () => Promise<void>, part?: string): void {
    const { role, modules } = this.config;
    if (role === 'api' || (isModule(who) && !modules.includes(who))) return;
    const duty = this.dutyOf(who, part);
    duty.add(name, everyMs, run);
    this.doers.set(name, [...(this.doers.get(name) ?? []), duty]);
  }

  /** Makes the chores with this name due now, if this process is the one that does them. */
  nudge(name: string): void {
    for (const duty of this.doers.get(name) ?? []) duty.nudge(name);
  }

  onApplicationBootstrap(): void {
    for (const duty of this.duties.values()) duty.start();
  }

  /** Begins nothing more, and gives the leases back when what runs has ended. */
  async stop(): Promise<void> {
    await Promise.all([...this.duties.values()].map((duty) => duty.stop()));
  }

  /** Before the stores are closed, because the leases are in one of them. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  private dutyOf(who: Doer, part?: string): Duty {
    const key = `${who}:${part ?? ''}`;
    const known = this.duties.get(key);
    if (known) return known;
    const name = ['background', ...(isModule(who) ? [who] : []), ...(part ? [part] : [])].join(':');
    const lease = who === EVERY_PROCESS ? undefined : { name, holder: this.holder, leases: this.leases };
    const duty = new Duty(() => this.readiness.isReady, lease);
    this.duties.set(key, duty);
    return duty;
  }
}

const isModule = (who: Doer): who is ModuleName => who !== ANY_PROCESS && who !== EVERY_PROCESS;
