import { faults } from '../faults.js';

const STEPS_PER_LOOK = 256;

/** The time limit of a command (`maxTimeMS`). Reading the clock costs, so only every so many steps do it. */
export class Deadline {
  private end: number;
  private steps = 0;
  private left = 0;

  /** @param milliseconds 0 for no limit */
  constructor(milliseconds: number) {
    this.end = milliseconds > 0 ? performance.now() + milliseconds : Infinity;
  }

  /** Between two batches of a cursor the time does not run. */
  suspend(): void {
    this.left = this.end - performance.now();
  }

  resume(): void {
    this.end = performance.now() + this.left;
  }

  /** @throws MongoFault 50 when the time is up */
  step(): void {
    if (++this.steps % STEPS_PER_LOOK === 0) this.check();
  }

  check(): void {
    if (performance.now() > this.end) throw faults.timeExceeded();
  }
}
