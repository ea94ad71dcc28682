import { openLoop, takeTurns, type Measured, type Side } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import type { Shot } from '../harness/client.js';
import { Load, type LoadResult, type Shots } from '../harness/load.js';
import { rowOf, type Pair, type Row } from '../harness/result.js';
import { status } from '../harness/shots.js';
import { median, spread } from '../harness/statistics.js';
import type { Subject } from '../harness/subject.js';
import { STATS } from '../peers/settings.js';
import { exactly } from './cached.js';
import { login } from './sessions.js';

/** How long the slowest of a hundred reads takes: near the limit, beyond it, and while passwords are being hashed. */
export async function latency(bench: Bench): Promise<Row[]> {
  const side = exactly(bench, STATS);
  const ours = await maximum(bench.taskflow, side, bench);
  return [
    await nearTheLimit(bench, side, ours),
    ...(await overloaded(bench, side.shots, ours)),
    await besideLogins(bench, side.shots, ours),
  ];
}

/** p99 at 80 % of the own maximum, against the bare server with the same Redis work at 80 % of its own. */
async function nearTheLimit(bench: Bench, side: Omit<Side, 'subject'>, ours: number): Promise<Row> {
  const peer = await bench.peer('bare:R3');
  const theirs = await maximum(peer, side, bench);
  const pairs = await inRounds(bench, async () => ({
    ours: (await open(bench, side.shots, 0.8 * ours)).latencyMs(99),
    reference: (await open(bench, side.shots, 0.8 * theirs, peer)).latencyMs(99),
  }));
  const what = { workload: 'stats, p99 at 80 % of the maximum', against: 'R3', unit: 'ms p99', lowerIsBetter: true };
  return rowOf({ ...what, accept: 2, target: 1.5 }, pairs, { oursPerSecond: ours, referencePerSecond: theirs });
}

/** Half again as much as it can do: a server should still do what it can, and refuse the rest at once. */
async function overloaded(bench: Bench, stats: Shots, ours: number): Promise<Row[]> {
  const tolerant: Shots = () => tolerating(stats());
  const goodputs: number[] = [];
  const refusals: { part: number; ms: number }[] = [];
  for (let n = 0; n < bench.effort.rounds; n++) {
    const result = await open(bench, tolerant, 1.5 * ours);
    goodputs.push((result.byStatus[200] ?? 0) / result.seconds / ours);
    const ms = Math.max(result.latencyMsOf(503, 99), result.latencyMsOf(429, 99));
    refusals.push({ part: 1 - (result.byStatus[200] ?? 0) / result.answers, ms });
  }
  const goodput = {
    workload: 'stats, goodput at 150 % of the maximum',
    against: 'the maximum',
    unit: 'requests/s',
    ratio: median(goodputs),
    spread: spread(goodputs),
    accept: 0.8,
    target: 0.9,
    values: { ours: median(goodputs) * ours, reference: ours, refusedPart: median(refusals.map(({ part }) => part)) },
  };
  const refused = refusals.filter(({ part }) => part > 0).map(({ ms }) => ({ ours: ms, reference: 5 }));
  if (refused.length === 0) return [goodput];
  const what = {
    workload: 'refusal at 150 % of the maximum, p99',
    against: '5 ms',
    unit: 'ms p99',
    lowerIsBetter: true,
  };
  return [goodput, rowOf({ ...what, accept: 1 }, refused)];
}

/** The right answer, or a refusal that says when to come again. */
function tolerating(shot: Shot): Shot {
  return {
    ...shot,
    verify: (answer) => {
      if (answer.status !== 429 && answer.status !== 503) return shot.verify(answer);
      return /^\d+$/.test(answer.header('retry-after') ?? '') ? undefined : `${answer.status} without Retry-After`;
    },
  };
}

/** More logins at a time than can be hashed, beside the reads of the rest. */
async function besideLogins(bench: Bench, stats: Shots, ours: number): Promise<Row> {
  const rate = 0.3 * ours;
  const pairs = await inRounds(bench, async () => {
    const idle = (await open(bench, stats, rate)).latencyMs(99);
    const hasEnded = saturateWithLogins(bench);
    try {
      return { ours: (await open(bench, stats, rate)).latencyMs(99), reference: idle };
    } finally {
      await hasEnded();
    }
  });
  const what = { workload: 'stats, p99 while logins saturate', against: 'idle', unit: 'ms p99', lowerIsBetter: true };
  return rowOf({ ...what, accept: 5, target: 3 }, pairs, { perSecond: rate });
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

/** Requests that it can answer with a second of CPU: it has one core, so this is its maximum, whoever else has the rest. */
async function maximum(subject: Subject, side: Omit<Side, 'subject'>, { effort }: Bench): Promise<number> {
  const [{ microseconds }] = (await takeTurns([{ ...side, subject }], effort)) as [Measured];
  return 1e6 / median(microseconds);
}

const open = ({ taskflow, effort }: Bench, shots: Shots, perSecond: number, subject = taskflow): Promise<LoadResult> =>
  openLoop({ subject, shots }, perSecond, effort.openSeconds);

async function inRounds({ effort }: Bench, measure: () => Promise<Pair>): Promise<Pair[]> {
  const pairs: Pair[] = [];
  while (pairs.length < effort.rounds) pairs.push(await measure());
  return pairs;
}
