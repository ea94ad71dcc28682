import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Row } from './bench.js';
import type { Stores } from './stores.js';

const RESULTS = join(import.meta.dirname, '../../../results');

/** The table on the terminal. */
export function report(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.workload,
    row.against,
    row.unit,
    row.ratio.toFixed(2),
    `± ${((row.spread / 2) * 100).toFixed(0)} %`,
    row.accept?.toString() ?? '–',
    row.target?.toString() ?? '–',
    verdict(row),
    Object.entries(row.values)
      .map(([name, value]) => `${name} ${value.toFixed(value < 10 ? 2 : 0)}`)
      .join(', '),
  ]);
  const table = [['workload', 'against', 'unit', 'ratio', 'spread', 'accept', 'target', '', 'values'], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  for (const line of table) console.log(line.map((cell, column) => cell.padEnd(widths[column]!)).join('  '));
}

/** Whether the row reaches what is accepted, and what is aimed at. */
export function verdict({ ratio, accept, target, lowerIsBetter }: Row): string {
  const reaches = (goal: number): boolean => (lowerIsBetter ? ratio <= goal : ratio >= goal);
  if (target !== undefined && reaches(target)) return 'target';
  if (accept === undefined) return '';
  return reaches(accept) ? 'accepted' : 'MISSED';
}

/** `bench/results/<date>.json` and `latest.json`. */
export function save(rows: readonly Row[], stores: Stores['names']): void {
  const [processor] = cpus();
  const result = {
    date: new Date().toISOString(),
    machine: { processor: processor?.model.trim(), cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) },
    versions: { node: process.version },
    stores,
    rows: rows.map(({ ratio, spread, ...row }) => ({ ...row, ratio: round(ratio), spread: round(spread) })),
  };
  mkdirSync(RESULTS, { recursive: true });
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  writeFileSync(join(RESULTS, `${result.date.slice(0, 10)}.json`), text);
  writeFileSync(join(RESULTS, 'latest.json'), text);
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
