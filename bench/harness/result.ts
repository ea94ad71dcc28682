import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { verdict, type Row } from './row.js';
import { drawCharts } from './charts.js';
import type { Stores } from './stores.js';

const RESULTS = join(import.meta.dirname, '../../../results');

const COLUMNS = ['workload', 'against', 'unit', 'ratio', 'spread', 'accept', 'target', '', 'ours', 'reference'];

/** The table, on the terminal and as Markdown. */
export function cellsOf(row: Row): string[] {
  const { ours, reference } = row.values;
  const sign = row.lowerIsBetter ? '≤ ' : '';
  const goal = (value?: number): string => (value === undefined ? '–' : `${sign}${value}`);
  const shown = (value?: number): string => (value === undefined ? '–' : value.toFixed(value < 10 ? 2 : 0));
  return [
    row.workload,
    row.against,
    row.unit,
    row.ratio.toFixed(2),
    `± ${((row.spread / 2) * 100).toFixed(0)} %`,
    goal(row.accept),
    goal(row.target),
    verdict(row),
    shown(ours),
    shown(reference),
  ];
}

export function report(rows: readonly Row[]): void {
  const table = [COLUMNS, ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  for (const line of table) console.log(line.map((cell, column) => cell.padEnd(widths[column]!)).join('  '));
}

export interface Result {
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly stores: Stores['names'];
  readonly rows: readonly Row[];
  /** What could not be measured, and why. */
  readonly failed: Readonly<Record<string, string>>;
}

/** `bench/results/<date>.json`, `latest.json`, the same as a table, and the charts. */
export function save(rows: readonly Row[], failed: Result['failed'], stores: Stores['names'], seconds: number): void {
  const [processor] = cpus();
  const result: Result = {
    date: new Date().toISOString(),
    machine: {
      processor: processor?.model.trim() ?? '',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      seconds: Math.round(seconds),
    },
    versions: { node: process.version, ...packageVersions() },
    stores,
    rows: rows.map((row) => ({
      ...row,
      ratio: round(row.ratio),
      spread: round(row.spread),
      values: Object.fromEntries(Object.entries(row.values).map(([name, value]) => [name, round(value)])),
    })),
    failed,
  };
  mkdirSync(RESULTS, { recursive: true });
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  for (const name of [result.date.slice(0, 10), 'latest']) writeFileSync(join(RESULTS, `${name}.json`), text);
  writeFileSync(join(RESULTS, 'latest.md'), markdown(result));
  for (const [name, svg] of Object.entries(drawCharts(result.rows))) writeFileSync(join(RESULTS, `${name}.svg`), svg);
}

/** The last full run, or what an earlier one of the same form left. */
export function latest(): Result | undefined {
  try {
    return JSON.parse(readFileSync(join(RESULTS, 'latest.json'), 'utf8')) as Result;
  } catch {
    return undefined;
  }
}

function packageVersions(): Record<string, string> {
  const root = join(RESULTS, '../..');
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.fromEntries(
    ['@nestjs/core', 'fastify', 'mongoose', 'ioredis', '@node-rs/argon2'].map((name) => [name, dependencies[name]!]),
  );
}

function markdown({ date, machine, versions, stores, rows, failed }: Result): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    `# ${date.slice(0, 10)}`,
    '',
    `${machine['processor']}, ${machine['cores']} cores, ${machine['memoryGiB']} GiB; Node ${versions['node']}; ` +
      `MongoDB: ${stores.mongo}; Redis ${stores.redis}. Written by \`npm run bench\`.`,
    '',
    line(COLUMNS),
    line(COLUMNS.map(() => '---')),
    ...rows.map((row) => line(cellsOf(row))),
    ...Object.entries(failed).map(([name, why]) => `\n**${name}** could not be measured: ${why}`),
  ];
  return `${lines.join('\n')}\n`;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
