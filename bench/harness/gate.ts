import { nameOf, reaches, type Row } from './row.js';

/** A row may fall this far below what is accepted before the gate closes: rounds are short there, machines noisy. */
const TOLERANCE = 0.8;

/** What the gate watches: whatever reached its accepted value in the last full run. */
export class Gate {
  private readonly reached: ReadonlySet<string>;

  /** @param rows of the last full run */
  constructor(rows: readonly Row[]) {
    this.reached = new Set(rows.filter((row) => row.accept !== undefined && reaches(row, row.accept)).map(nameOf));
  }

  watches(row: Row): boolean {
    return row.accept !== undefined && this.reached.has(nameOf(row));
  }

  /** Of the watched rows those that are far below what they have to reach. */
  fallen(rows: readonly Row[]): Row[] {
    return rows.filter((row) => {
      if (!this.watches(row)) return false;
      return !reaches(row, row.lowerIsBetter ? row.accept! / TOLERANCE : row.accept! * TOLERANCE);
    });
  }
}
