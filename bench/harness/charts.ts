import { LADDER, verdict, type Row } from './row.js';

/** Readable on a light and on a dark page alike. */
const INK = '#7d8590';
const COLORS = { ours: '#2f81f7', reference: '#8b949e', target: '#2da44e', accepted: '#bf8700', MISSED: '#cf222e' };

const LEFT = 300;
const WIDTH = 860;
const BAR = 16;
const LINE = 26;

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
  readonly color: string;
}

/** By file name. A chart for which nothing was measured is left out. */
export function drawCharts(rows: readonly Row[]): Record<string, string> {
  const charts = { cost: cost(rows), goals: goals(rows), ladder: ladder(rows) };
  return Object.fromEntries(Object.entries(charts).filter(([, svg]) => svg !== undefined)) as Record<string, string>;
}

/** What a cached read costs, beside the programs that do the same. */
function cost(rows: readonly Row[]): string | undefined {
  const own = rows.filter(({ workload }) => workload === 'stats, cached');
  const [first] = own;
  if (!first) return undefined;
  const bars = own.map(({ against, values }) => bar(NAMES[against] ?? against, values['reference']!, COLORS.reference));
  bars.push(bar('TaskFlow', first.values['ours']!, COLORS.ours));
  return chart(
    'Cached statistics: CPU µs per request, less is better',
    bars.toSorted((a, b) => a.value - b.value),
  );
}

/** How far each row is beyond what is accepted, or short of it. */
function goals(rows: readonly Row[]): string | undefined {
  const bars = rows.flatMap((row) => {
    const result = verdict(row);
    if (row.accept === undefined || result === '') return [];
    const reached = row.lowerIsBetter ? row.accept / row.ratio : row.ratio / row.accept;
    const shown = `${row.ratio.toFixed(2)} of ${row.lowerIsBetter ? '≤ ' : ''}${row.accept}`;
    // Beyond twice the goal it does not matter how far.
    const label = `${row.workload} · ${row.against}`;
    return [{ label, value: Math.min(2, reached), shown, color: COLORS[result] }];
  });
  return bars.length === 0 ? undefined : chart('Ratio to the reference, of what is accepted (line)', bars, 1);
}

/** What a cached read costs with each layer, from the bare server to the whole program. */
function ladder(rows: readonly Row[]): string | undefined {
  const steps = rows.filter(({ workload }) => workload.startsWith(LADDER));
  const bars = steps.map(({ workload, values }) =>
    bar(workload.slice(LADDER.length), values['ours']!, workload.includes('TaskFlow') ? COLORS.ours : COLORS.reference),
  );
  return bars.length === 0 ? undefined : chart('Cached statistics, layer by layer: CPU µs per request', bars);
}

const NAMES: Readonly<Record<string, string>> = {
  R2: 'bare Fastify, token verified',
  R3: 'bare Fastify, token and Redis',
  N2: 'a typical NestJS application',
  X1: 'Express and Mongoose',
};

const bar = (label: string, value: number, color: string): Bar => ({ label, value, color, shown: value.toFixed(0) });

/** @param mark a value with a line across all bars */
function chart(title: string, bars: readonly Bar[], mark?: number): string {
  const most = Math.max(...bars.map(({ value }) => value), mark ?? 0);
  const x = (value: number): number => Math.round((value / most) * (WIDTH - LEFT - 110));
  const height = 40 + bars.length * LINE;
  const lines = bars.map(({ label, value, shown, color }, n) => {
    const y = 34 + n * LINE;
    return `  <text x="${LEFT - 10}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>
  <rect x="${LEFT}" y="${y}" width="${Math.max(1, x(value))}" height="${BAR}" rx="2" fill="${color}"/>
  <text x="${LEFT + x(value) + 8}" y="${y + 12}">${escaped(shown)}</text>`;
  });
  const at = LEFT + x(mark ?? 0);
  const line = `  <path d="M${at} 28V${height - 6}" stroke="${INK}" stroke-dasharray="3 3"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">
  <text x="10" y="18" font-weight="600">${escaped(title)}</text>
${lines.join('\n')}
${mark === undefined ? '' : `${line}\n`}</svg>
`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
