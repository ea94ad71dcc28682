import { Injectable, Optional } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { Overloaded } from '../../core/errors/core.errors.js';
import { Metrics } from '../../core/metrics/metrics.js';

/** argon2id (the library's default) with the first parameters of the OWASP cheat sheet: 19 MiB, two passes. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** At a time; they run on libuv's pool of four threads, which files and name look-ups need too. */
const CONCURRENCY = Math.max(1, Math.min(2, availableParallelism() - 1));

/** Waiting; at some 60 ms each the last of them waits for about three seconds. */
const MAX_WAITING = 50;

/**
 * Whose results are handed out together, where as many wait. A hash takes every cache of its core; what a sign-in does
 * before and after costs several times as much when a hash has run in between, so few switches are the cheapest.
 */
const BATCH = 4;

/** Milliseconds before the first of a batch: what was handed out or has arrived is dealt with, and more can join. */
const GATHER_MS = 4;

/** No password has this hash. Verifying against it takes as long as against a real one. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** Hashes and verifies, a few at a time, so that a flood of logins cannot starve everything else. */
@Injectable()
export class Passwords {
  private readonly turns = pLimit(CONCURRENCY);
  /** Hands out the results of a batch that is not complete. */
  private readonly computed: (() => void)[] = [];

  constructor(@Optional() metrics?: Metrics) {
    metrics?.measured('taskflow_passwords_running', 'Hashes being computed', () => this.turns.activeCount);
    metrics?.measured('taskflow_passwords_waiting', 'Hashes that wait for their turn', () => this.turns.pendingCount);
  }

  /** @throws Overloaded */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(canonical(password), PARAMETERS));
  }

  /**
   * Takes the same time whether or not there is a hash to compare with.
   * @throws Overloaded
   */
  async matches(password: string, passwordHash: string | undefined): Promise<boolean> {
    const matches = await this.inTurn(() => verify(passwordHash || NOBODYS_HASH, canonical(password)));
    return matches && Boolean(passwordHash);
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.turns.pendingCount >= MAX_WAITING) throw new Overloaded({ retryAfterSeconds: 2 });
    return new Promise((resolve, reject) => {
      void this.turns(async () => {
        if (this.computed.length === 0) await delay(GATHER_MS);
        // Also what it throws at once is for who asked.
        const handOut = await Promise.resolve()
          .then(work)
          .then(
            (result) => () => resolve(result),
            (error: Error) => () => reject(error),
          );
        this.computed.push(handOut);
        if (this.turns.pendingCount > 0 && this.computed.length < BATCH) return;
        for (const each of this.computed.splice(0)) each();
      });
    });
  }
}

/** Keyboards differ in how they compose accents (RFC 8265 §4.2.2). */
const canonical = (password: string): string => password.normalize('NFC');
