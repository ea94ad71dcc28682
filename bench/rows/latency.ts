import type { Bench, Peer, Row } from '../harness/bench.js';
import { Load, VoidRound, type LoadResult, type Shots } from '../harness/load.js';
import { getExactly, status, write } from '../harness/shots.js';
import { median, spread } from '../harness/statistics.js';
import type { Subject } from '../harness/subject.js';
import { PASSWORD } from '../harness/world.js';

const SECONDS = 4;
/** More than enough for any server here; an open loop must not wait for a free connection. */
const CONNECTIONS = 256;

/** How long the slowest of a hundred reads takes: near the limit, beyond it, and while passwords are being hashed. */
export async function* latency(bench: Bench): AsyncGenerator<Row> {
  const stats = cachedStats(bench);
  const ours = await maximum(bench.taskflow, stats, bench);
  yield await nearTheLimit(bench, stats, ours);
  yield await overloaded(bench, stats, ours);
  yield await besideLogins(bench, stats, ours);
}

/** p99 at 80 % of the own maximum, against the bare server with the same Redis work at 80 % of its own. */
async function nearTheLimit(bench: Bench, stats: Shots, ours: number): Promise<Row> {
  const peer = await bench.peer('bare-3' satisfies Peer);
  const theirs = await maximum(peer, stats, bench);
  const pairs = await rounds(bench, async () => ({
    ours: (await open(bench.taskflow, stats, 0.8 * ours)).latencyMs(99),
    reference: (await open(peer, stats, 0.8 * theirs)).latencyMs(99),
  }));
  return row('stats, p99 at 80 % of the maximum', 'R3', pairs, { accept: 2, target: 1.5 });
}

/** Of half again as much as it can do, a server should still do what it can. */
async function overloaded(bench: Bench, stats: Shots, ours: number): Promise<Row> {
  const tolerant: Shots = () => ({
    ...stats(),
    verify: ({ status: code }) => ([200, 429, 503].includes(code) ? undefined : String(code)),
  });
  const goodputs: number[] = [];
  const refusalsMs: number[] = [];
  for (let n = 0; n < bench.effort.rounds; n++) {
    const result = await open(bench.taskflow, tolerant, 1.5 * ours);
    goodputs.push((result.byStatus['200'] ?? 0) / result.seconds / ours);
    refusalsMs.push(result.latencyMsOf(503, 99));
  }
  return {
    workload: 'stats, goodput at 150 % of the maximum',
    against: 'itself',
    unit: 'part of the maximum',
    ratio: median(goodputs),
    spread: spread(goodputs),
    accept: 0.8,
    target: 0.9,
    values: { maximumPerSecond: ours, refusedP99Ms: median(refusalsMs) },
  };
}

async function besideLogins(bench: Bench, stats: Shots, ours: number): Promise<Row> {
  const rate = 0.3 * ours;
  const login: Shots = () => {
    const user = bench.world.someone();
    const body = { email: user.email, password: PASSWORD, refreshIn: 'body' };
    return write('POST', '/auth/login', user, body, (answer) =>
      answer.status === 503 ? undefined : status(200)(answer),
    );
  };
  const pairs = await rounds(bench, async () => {
    const idle = (await open(bench.taskflow, stats, rate)).latencyMs(99);
    const logins = new Load(bench.taskflow.url, 8);
    let isOver = false;
    const saturating = (async () => {
      while (!isOver) await logins.closed(login, 16);
    })();
    const busy = (await open(bench.taskflow, stats, rate)).latencyMs(99);
    isOver = true;
    await saturating;
    await logins.close();
    return { ours: busy, reference: idle };
  });
  return row('stats, p99 while logins saturate', 'idle', pairs, { accept: 5, target: 3 });
}

function cachedStats({ world, answers }: Bench): Shots {
  const bodies = new Map(world.users.map((user) => [user, Buffer.from(answers.get(user)!.stats)]));
  return () => {
    const user = world.someone();
    return getExactly('/tasks/stats', user, bodies.get(user)!);
  };
}

/** Requests per second, asked for by a closed loop. */
async function maximum(subject: Subject, shots: Shots, { effort }: Bench): Promise<number> {
  const load = new Load(subject.url, effort.connections);
  try {
    await load.closed(shots, effort.warmUp);
    const { answers, seconds } = await load.closed(shots, effort.requests);
    return answers / seconds;
  } finally {
    await load.close();
  }
}

async function open(subject: Subject, shots: Shots, perSecond: number): Promise<LoadResult> {
  const load = new Load(subject.url, CONNECTIONS);
  try {
    return await load.open(shots, perSecond, SECONDS);
  } finally {
    await load.close();
  }
}

interface Pair {
  readonly ours: number;
  readonly reference: number;
}

/** @throws VoidRound when one of them was void three times */
async function rounds({ effort }: Bench, measure: () => Promise<Pair>): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let attempt = 1; pairs.length < effort.rounds;) {
    try {
      pairs.push(await measure());
      attempt = 1;
    } catch (error) {
      if (!(error instanceof VoidRound) || attempt++ === 3) throw error;
    }
  }
  return pairs;
}

function row(
  workload: string,
  against: string,
  pairs: readonly Pair[],
  goals: { accept: number; target: number },
): Row {
  const ratios = pairs.map(({ ours, reference }) => ours / reference);
  return {
    workload,
    against,
    unit: 'ms p99',
    ratio: median(ratios),
    spread: spread(ratios),
    ...goals,
    lowerIsBetter: true,
    values: { ours: median(pairs.map(({ ours }) => ours)), reference: median(pairs.map(({ reference }) => reference)) },
  };
}
