import { openLoop, takeTurns, type Measured, type Reference, type Side } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import type { Shot } from '../harness/client.js';
import { Load } from '../harness/load.js';
import { rowOf, type Pair, type Row } from '../harness/row.js';
import { status } from '../harness/shots.js';
import { median, spread } from '../harness/statistics.js';
import { STATS } from '../peers/settings.js';
import { exactly } from './cached.js';
import { oneTask, pageSides } from './pages.js';
import { login } from './sessions.js';

const OVERLOAD_ROUNDS = 3;
/** Long enough that a server which refuses nothing is beyond everybody's patience. */
const OVERLOAD_SECONDS = 6;
/** Enough that a slow store does not leave the server idle. */
const SATURATING_CONNECTIONS = 128;
/** More than can be under way: nobody waits for a free one. */
const OVERLOAD_CONNECTIONS = 3000;
const PATIENCE_MS = 1000;

/** How long the slowest of a hundred reads takes near the limit. */
export async function latency(bench: Bench): Promise<Row[]> {
  const stats = exactly(bench, STATS);
  const { ours, theirs } = await pageSides(bench);
  return [
    await nearTheLimit('stats', bench, { ...stats, subject: bench.taskflow }, await referenceOf(bench, stats)),
    await nearTheLimit('page of 20', bench, ours, theirs),
  ];
}

const referenceOf = async (bench: Bench, side: Omit<Side, 'subject'>): Promise<Reference> => ({
  ...side,
  subject: await bench.peer('bare:R3'),
  label: 'R3',
});

/** p99 at 80 % of the own maximum, against the bare server with the same work in the stores at 80 % of its own. */
async function nearTheLimit(name: string, bench: Bench, ours: Side, theirs: Reference): Promise<Row> {
  const [mine, other] = (await takeTurns([ours, theirs], bench.effort)) as [Measured, Measured];
  const { rounds, openSeconds } = bench.effort;
  const pairs: Pair[] = [];
  while (pairs.length < rounds) {
    pairs.push({
      ours: (await openLoop(ours, 0.8 * mine.perSecond, openSeconds)).latencyMs(99),
      reference: (await openLoop(theirs, 0.8 * other.perSecond, openSeconds)).latencyMs(99),
    });
  }
  const what = { workload: `${name}, p99 at 80 % of the maximum`, against: theirs.label, unit: 'ms p99' };
  const values = { oursPerSecond: mine.perSecond, referencePerSecond: other.perSecond };
  return rowOf({ ...what, lowerIsBetter: true, accept: 2, target: 1.5 }, pairs, values);
}

/**
 * Half again as much as it can do: a server should still do what it can, and refuse the rest at once. Of tasks one by
 * one, because so many cached reads as that are more than the other core, with Redis on it, can ask for.
 */
export async function overload(bench: Bench): Promise<Row[]> {
  const side: Side = { ...oneTask(bench), subject: bench.taskflow };
  const saturating = { ...side, connections: SATURATING_CONNECTIONS };
  const [{ perSecond: maximum, busy }] = (await takeTurns([saturating], bench.effort)) as [Measured];
  const goodputs: Pair[] = [];
  const refusals: Pair[] = [];
  while (goodputs.length < OVERLOAD_ROUNDS) {
    let inTime = 0;
    const shots = (): Shot => tolerating(side.shots(), () => inTime++);
    const load = { ...side, shots, connections: OVERLOAD_CONNECTIONS };
    const result = await openLoop(load, 1.5 * maximum, OVERLOAD_SECONDS);
    goodputs.push({ ours: inTime / OVERLOAD_SECONDS, reference: maximum });
    const refused = Math.max(result.latencyMsOf(503, 99), result.latencyMsOf(429, 99));
    if (refused > 0) refusals.push({ ours: refused, reference: 5 });
  }
  const ratios = goodputs.map(({ ours }) => ours / maximum);
  const goodput = {
    workload: 'one task, goodput at 150 % of the maximum',
    against: 'the maximum',
    unit: 'requests/s',
    ratio: median(ratios),
    spread: spread(ratios),
    accept: 0.8,
    target: 0.9,
    values: { ours: median(goodputs.map(({ ours }) => ours)), reference: maximum, busyAtMaximum: busy },
  };
  if (refusals.length === 0) return [goodput];
  const what = { workload: 'refusal at 150 % of the maximum', against: '5 ms', unit: 'ms p99', lowerIsBetter: true };
  return [goodput, rowOf({ ...what, accept: 1 }, refusals)];
}

/** The right answer, or a refusal that says when to come again. What comes when nobody waits any more does not count. */
function tolerating(shot: Shot, inTime: () => void): Shot {
  const asked = performance.now();
  return {
    ...shot,
    verify: (answer) => {
      if (answer.status === 429 || answer.status === 503) {
        return /^\d+$/.test(answer.header('retry-after') ?? '') ? undefined : `${answer.status} without Retry-After`;
      }
      if (performance.now() - asked < PATIENCE_MS) inTime();
      return shot.verify(answer);
    },
  };
}

/** More logins at a time than can be hashed, beside reads at a third of the maximum. */
export async function besideLogins(bench: Bench): Promise<Row[]> {
  const side: Side = { ...exactly(bench, STATS), subject: bench.taskflow };
  const [{ perSecond }] = (await takeTurns([side], bench.effort)) as [Measured];
  const p99 = async (): Promise<number> =>
    (await openLoop(side, perSecond / 3, bench.effort.openSeconds)).latencyMs(99);
  const pairs: Pair[] = [];
  while (pairs.length < bench.effort.rounds) {
    const reference = await p99();
    const hasEnded = saturateWithLogins(bench);
    try {
      pairs.push({ ours: await p99(), reference });
    } finally {
      await hasEnded();
    }
  }
  const what = { workload: 'stats, p99 while logins saturate', against: 'idle', unit: 'ms p99', lowerIsBetter: true };
  return [rowOf({ ...what, accept: 5, target: 3 }, pairs, { perSecond: perSecond / 3 })];
}

/** @returns what ends it */
function saturateWithLogins({ taskflow, world }: Bench): () => Promise<void> {
  const load = new Load(taskflow.url, 8);
  let isOver = false;
  const running = (async () => {
    const refusable = (): Shot =>
      login(world.someone(), (answer) => (answer.status === 503 ? undefined : status(200)(answer)));
    while (!isOver) await load.closed(refusable, { requests: 16 });
  })();
  return async () => {
    isOver = true;
    await running;
    load.close();
  };
}
