import { latest, reaches, type Row } from './result.js';

/** A row may fall this far below what is accepted before the gate closes: rounds are short there, machines noisy. */
const TOLERANCE = 0.8;

const nameOf = ({ workload, against }: Row): string => `${workload} against ${against}`;

/** What the gate watches: whatever reached its accepted value in the last full run. */
export class Gate {
  private readonly reached: ReadonlySet<string>;

  constructor(rows: readonly Row[] = latest()?.rows ?? []) {
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

export { nameOf };
