import { median, spread } from './statistics.js';

export interface Goals {
  readonly accept?: number;
  readonly target?: number;
}

/** A row of the result. */
export interface Row extends Goals {
  readonly workload: string;
  readonly against: string;
  /** What is compared: `CPU µs/request`, `ms p99`, … */
  readonly unit: string;
  /** 1 is as good as the reference, more is better; where `lowerIsBetter`, the other way round. */
  readonly ratio: number;
  /** Largest minus smallest ratio of the rounds, as a part of the median. */
  readonly spread: number;
  readonly lowerIsBetter?: boolean;
  /** The measured values behind the ratio. */
  readonly values: Readonly<Record<string, number>>;
}

/** What one round measured, in the unit of the row. */
export interface Pair {
  readonly ours: number;
  readonly reference: number;
}

/** Costs, of which less is better. `lowerIsBetter` turns the ratio round: ours ÷ reference. */
export function rowOf(
  what: Omit<Row, 'ratio' | 'spread' | 'values'>,
  pairs: readonly Pair[],
  values: Row['values'] = {},
): Row {
  const ratios = pairs.map(({ ours, reference }) => (what.lowerIsBetter ? ours / reference : reference / ours));
  const ours = median(pairs.map((pair) => pair.ours));
  const reference = median(pairs.map((pair) => pair.reference));
  return { ...what, ratio: median(ratios), spread: spread(ratios), values: { ours, reference, ...values } };
}

export type Verdict = 'target' | 'accepted' | 'MISSED' | '';

/** Whether the row reaches what is accepted, and what is aimed at. */
export function verdict(row: Row): Verdict {
  if (row.target !== undefined && reaches(row, row.target)) return 'target';
  if (row.accept === undefined) return '';
  return reaches(row, row.accept) ? 'accepted' : 'MISSED';
}

export const reaches = ({ ratio, lowerIsBetter }: Row, goal: number): boolean =>
  lowerIsBetter ? ratio <= goal : ratio >= goal;

export const nameOf = ({ workload, against }: Row): string => `${workload} against ${against}`;

/** How the rows begin that are layers of one read. */
export const LADDER = 'ladder: ';
