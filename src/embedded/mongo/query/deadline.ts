import { faults } from '../faults.js';

const STEPS_PER_LOOK = 256;

/** The time limit of a command (`maxTimeMS`). Reading the clock costs, so only every so many steps do it. */
export class Deadline {
  private readonly end: number;
  private steps = 0;

  /** @param milliseconds 0 for no limit */
  constructor(milliseconds: number) {
    this.end = milliseconds > 0 ? performance.now() + milliseconds : Infinity;
  }

  /** Milliseconds left, 0 for no limit. */
  get remaining(): number {
    return this.end === Infinity ? 0 : Math.max(1, this.end - performance.now());
  }

  /** @throws MongoFault 50 when the time is up */
  step(): void {
    if (++this.steps % STEPS_PER_LOOK === 0) this.check();
  }

  check(): void {
    if (performance.now() > this.end) throw faults.timeExceeded();
  }
}
