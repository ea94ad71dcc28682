// npm run bench [-- --quick] [--only cached,pages,…]: TaskFlow and its peers side by side, in one run on one machine.
import { parseArgs } from 'node:util';
import { Bench, type Row } from './harness/bench.js';
import { report, save } from './harness/result.js';
import { cachedReads } from './rows/cached.js';
import { logins } from './rows/logins.js';
import { latency } from './rows/latency.js';
import { depth, pages } from './rows/pages.js';
import { processCosts } from './rows/process.js';
import { statsMiss } from './rows/stats-miss.js';
import { writes } from './rows/writes.js';

const ROWS: Readonly<Record<string, (bench: Bench) => AsyncGenerator<Row>>> = {
  cached: cachedReads,
  pages,
  writes,
  login: logins,
  latency,
  process: processCosts,
  depth,
  'stats-miss': statsMiss,
};

/** These want more tasks, or more time, than two minutes have. */
const LONG = ['latency', 'depth', 'stats-miss'];

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } });
const chosen = values.only?.split(',') ?? Object.keys(ROWS).filter((name) => !values.quick || !LONG.includes(name));
const unknown = chosen.filter((name) => !ROWS[name]);
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}.`);
  process.exit(1);
}

const progress = (what: string): void => console.log(`… ${what}`);
const bench = values.quick
  ? await Bench.open(
      { users: 200, tasksEach: 60 },
      { rounds: 5, requests: 2000, warmUp: 6000, connections: 32 },
      progress,
    )
  : await Bench.open(
      { users: 2000, tasksEach: 60 },
      { rounds: 7, requests: 20_000, warmUp: 20_000, connections: 32 },
      progress,
    );
const rows: Row[] = [];
try {
  for (const name of chosen) {
    progress(name);
    for await (const row of ROWS[name]!(bench)) {
      rows.push(row);
      progress(`${row.workload} against ${row.against}: ${row.ratio.toFixed(2)}`);
    }
  }
} finally {
  await bench.close();
}
report(rows);
if (!values.quick && !values.only) save(rows, bench.stores.names);
