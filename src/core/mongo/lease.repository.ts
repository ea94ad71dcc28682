import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Overloaded } from '../errors/core.errors.js';
import { Clock } from '../time/clock.js';
import { LEASE_MODEL, type LeaseDocument } from './lease.schema.js';
import { duplicateKey } from './store-failure.js';

/** How long a critical section may take before another process may enter: several times the operation timeout. */
const EXCLUSIVE_MS = 15_000;
const EXCLUSIVE_TRIES = 50;
/** Of work that takes longer than any lease should last: how long a killed holder keeps the others waiting. */
const KEPT_MS = 10_000;
const RENEW_MS = 3000;
const LOOK_MS = 250;

/** A lease that is renewed while work goes on. */
export interface Lease {
  /** @throws when it was lost: a process that was frozen finds out afterwards, and must write nothing more */
  readonly assertHeld: () => void;
}

/** Leases in MongoDB: one holder at a time over all processes, for a limited time. */
@Injectable()
export class Leases {
  constructor(
    @InjectModel(LEASE_MODEL) private readonly model: Model<LeaseDocument>,
    private readonly clock: Clock,
  ) {}

  /** Takes or renews the lease. @returns whether `holder` has it for the next `durationMs`. */
  async acquire(name: string, holder: string, durationMs: number): Promise<boolean> {
    const now = this.clock.now();
    const until = new Date(now.getTime() + durationMs);
    try {
      const filter = { _id: name, $or: [{ holder }, { until: { $lte: now } }] };
      await this.model.updateOne(filter, { $set: { holder, until } }, { upsert: true });
      return true;
    } catch (error) {
      // Somebody else holds it: the upsert found no document to update and the id taken.
      if (duplicateKey(error)) return false;
      throw error;
    }
  }

  async release(name: string, holder: string): Promise<void> {
    await this.model.deleteOne({ _id: name, holder });
  }

  /**
   * Runs `work` while no other process runs work under the same name.
   * @throws Overloaded when the lease stays taken
   */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const holder = randomUUID();
    for (let attempt = 0; !(await this.acquire(name, holder, EXCLUSIVE_MS)); attempt++) {
      if (attempt === EXCLUSIVE_TRIES) throw new Overloaded();
      await delay(20 + Math.random() * 40);
    }
    try {
      return await work();
    } finally {
      await this.release(name, holder);
    }
  }

  /**
   * Runs `work`, however long it takes, while no other process runs work under the same name.
   * @param waiting called once when somebody else has the lease, who is then waited for
   */
  async keeping<T>(name: string, waiting: () => void, work: (lease: Lease) => Promise<T>): Promise<T> {
    const holder = randomUUID();
    let heldUntil = 0;
    const renew = async (): Promise<boolean> => {
      const askedAt = performance.now();
      const isHeld = await this.acquire(name, holder, KEPT_MS);
      heldUntil = isHeld ? askedAt + KEPT_MS : 0;
      return isHeld;
    };
    for (let hasSaid = false; !(await renew()); hasSaid = true) {
      if (!hasSaid) waiting();
      await delay(LOOK_MS);
    }
    // A renewal that fails is tried again; the time it has left decides.
    const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
    try {
      return await work({
        assertHeld: () => {
          if (performance.now() >= heldUntil) throw new Error(`the lease "${name}" was lost`);
        },
      });
    } finally {
      clearInterval(timer);
      await this.release(name, holder);
    }
  }
}
