// npm run bench [-- --quick] [--only stats,pages,…] [--gate]: TaskFlow and its peers side by side, in one run.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.js';
import { Gate } from './harness/gate.js';
import { latest, report, save } from './harness/result.js';
import { nameOf, verdict, type Row } from './harness/row.js';
import { keepOffTheAppCore } from './harness/subject.js';
import { adminStats, notModified, profile, stats } from './rows/cached.js';
import { fleet } from './rows/fleet.js';
import { ladder } from './rows/ladder.js';
import { besideLogins, latency, overload } from './rows/latency.js';
import { depth, statsMiss } from './rows/large.js';
import { mix } from './rows/mix.js';
import { byId, pages, search } from './rows/pages.js';
import { idleConnections, startToReady } from './rows/process.js';
import { logins, refreshes } from './rows/sessions.js';
import { events, writes } from './rows/writes.js';

type Measure = (bench: Bench) => Promise<Row[]>;

/** In this order, because the last ones write what the first ones read. */
const ROWS: Readonly<Record<string, Measure>> = {
  stats,
  profile,
  'not-modified': notModified,
  admin: adminStats,
  pages,
  'by-id': byId,
  search,
  login: logins,
  refresh: refreshes,
  latency,
  overload,
  'beside-logins': besideLogins,
  ladder,
  fleet,
  start: startToReady,
  memory: idleConnections,
  writes,
  events,
  depth,
  'stats-miss': statsMiss,
  mix,
};

/** Those with a goal that two minutes are enough for. */
const QUICK = ['stats', 'profile', 'pages', 'login', 'start', 'writes'];

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, gate: { type: 'boolean' } },
});
const chosen = values.only?.split(',') ?? (values.quick ? QUICK : Object.keys(ROWS));
const unknown = chosen.filter((name) => !ROWS[name]);
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}.`);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

keepOffTheAppCore();
const begun = performance.now();
const names = Object.keys(ROWS).filter((name) => chosen.includes(name));
const progress = (what: string): void => {
  console.log(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${what}`);
};
const bench = values.quick
  ? await Bench.open(
      { users: 200, tasksEach: 60 },
      {
        rounds: 5,
        roundSeconds: 0.3,
        warmUpSeconds: 1,
        warmUpLogins: 500,
        connections: 32,
        openSeconds: 1,
        withLatencies: false,
      },
      progress,
    )
  : await Bench.open(
      { users: 2000, tasksEach: 60 },
      {
        rounds: 5,
        roundSeconds: 0.9,
        warmUpSeconds: 1.8,
        warmUpLogins: 2000,
        connections: 32,
        openSeconds: 1.5,
        withLatencies: true,
      },
      progress,
    );
const gate = new Gate(latest()?.rows ?? []);
const rows: Row[] = [];
const failed: Record<string, string> = {};
const fallen: string[] = [];
/** Beside other work rounds become void and are repeated: what is not measured by then is not waited for. */
const limitMs = (values.quick ? 4 : 30) * 60_000;
const unfinished = new Set(names);
const isOver = delay(limitMs - performance.now() + begun).then(() => {
  for (const name of unfinished) failed[name] = 'the run took too long';
});
try {
  await Promise.race([isOver, measureAll()]);
} finally {
  await bench.close();
}
report(rows);
for (const [name, why] of Object.entries(failed)) console.log(`${name} could not be measured: ${why}`);
if (!values.quick && !values.only) save(rows, failed, bench.stores.names, (performance.now() - begun) / 1000);
if (values.gate) sayWhatIsWatched();
process.exit(Object.keys(failed).length + fallen.length > 0 ? 1 : 0);

async function measureAll(): Promise<void> {
  for (const [n, name] of names.entries()) {
    progress(`${n + 1} of ${names.length}: ${name}`);
    try {
      rows.push(...(await measure(name)));
    } catch (error) {
      failed[name] = error instanceof Error ? error.message : String(error);
      progress(`  FAILED: ${failed[name]}`);
    }
    unfinished.delete(name);
  }
}

/** With `--gate`, what is far below what it has to reach is measured again, in other processes, before it counts. */
async function measure(name: string): Promise<Row[]> {
  let measured = await ROWS[name]!(bench);
  if (values.gate && gate.fallen(measured).length > 0) {
    progress('  below 0.8 of what is accepted: once more, in other processes');
    await bench.renew();
    measured = await ROWS[name]!(bench);
    fallen.push(...gate.fallen(measured).map(nameOf));
  }
  for (const row of measured) progress(`  ${nameOf(row)}: ${row.ratio.toFixed(2)} ${verdict(row)}`);
  return measured;
}

function sayWhatIsWatched(): void {
  for (const row of rows) {
    if (row.accept !== undefined && !gate.watches(row)) {
      console.log(`not watched, because the last full run did not reach it: ${nameOf(row)}`);
    }
  }
  if (fallen.length > 0) console.log(`the gate is closed: ${fallen.join('; ')}`);
  else if (Object.keys(failed).length === 0) console.log('the gate is open');
}
