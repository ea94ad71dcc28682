import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { LastSeen } from '../metrics/last-seen.js';
import { Metrics } from '../metrics/metrics.js';
import { Clock } from '../time/clock.js';
import { ANY_PROCESS, Background } from './background.js';
import { DeadLettersRepository } from './dead-letters.repository.js';

export interface DeadLetter {
  /** `<group>.<id of what was given up>`: given up twice, it is one letter. */
  readonly id: string;
  readonly kind: 'event' | 'delivery';
  /** Who gave it up. */
  readonly group: string;
  /** Of the event. */
  readonly name: string;
  readonly owner: string;
  /** All that whoever gave it up needs in order to try it again. No secrets: admins may read it. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Why the last attempt failed. */
  readonly error: string;
  readonly attempts: number;
  readonly at: Date;
}

/** Where a page of the list begins: after this letter. */
export type DeadLetterPosition = Pick<DeadLetter, 'at' | 'id'>;

const COUNT_EVERY_MS = 15_000;

type Retry = (letter: DeadLetter) => Promise<void>;

/** What was given up after too many attempts: kept, listed, and tried again or dropped by an operator. */
@Injectable()
export class DeadLetters implements OnModuleInit {
  private readonly logger = new Logger('DeadLetters');
  private readonly retries = new Map<DeadLetter['kind'], Retry>();
  private readonly counted = new LastSeen();

  constructor(
    private readonly letters: DeadLettersRepository,
    private readonly clock: Clock,
    private readonly background: Background,
    metrics: Metrics,
  ) {
    metrics.measured('taskflow_dead_letters', 'Events and deliveries that were given up', () => this.counted.value);
  }

  onModuleInit(): void {
    this.background.every(ANY_PROCESS, 'count dead letters', COUNT_EVERY_MS, async () => {
      this.counted.value = await this.count();
    });
  }

  /** How those of a kind are tried again: resolved, it is no dead letter any more. To be called in `onModuleInit`. */
  onRetry(kind: DeadLetter['kind'], retry: Retry): void {
    if (this.retries.has(kind)) throw new Error(`somebody else tries dead letters of the kind "${kind}" again`);
    this.retries.set(kind, retry);
  }

  /** @param letter `id` of what was given up */
  async add(letter: Omit<DeadLetter, 'at'>): Promise<void> {
    const { id, group, name, attempts, error } = letter;
    await this.letters.put({ ...letter, id: `${group}.${id}`, at: this.clock.now() });
    this.logger.error(`${group} gave ${name} ${id} up after ${attempts} attempts: ${error}`);
  }

  /** Newest first. */
  list(limit: number, after?: DeadLetterPosition): Promise<DeadLetter[]> {
    return this.letters.list(limit, after);
  }

  find(id: string): Promise<DeadLetter | undefined> {
    return this.letters.find(id);
  }

  count(): Promise<number> {
    return this.letters.count();
  }

  /**
   * Hands it back to whoever gave it up.
   * @returns false when there is none with this id
   * @throws what the attempt throws; the letter stays, with this as its error
   */
  async retry(id: string): Promise<boolean> {
    const letter = await this.letters.find(id);
    if (!letter) return false;
    const retry = this.retries.get(letter.kind);
    if (!retry) throw new Error(`nobody tries dead letters of the kind "${letter.kind}" again`);
    try {
      await retry(letter);
    } catch (error) {
      await this.letters.put({ ...letter, attempts: letter.attempts + 1, error: (error as Error).message });
      throw error;
    }
    await this.letters.remove(id);
    return true;
  }

  /** Of an owner whose account is gone: there is nobody to bring them to. */
  purge(owner: string): Promise<void> {
    return this.letters.purge(owner);
  }

  /** @returns false when there is none with this id */
  drop(id: string): Promise<boolean> {
    return this.letters.remove(id);
  }
}
