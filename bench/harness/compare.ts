import { rowOf, type Goals, type Row } from './row.js';
import type { Shot } from './client.js';
import { Load, untilValid, VoidRound, type Shots } from './load.js';
import { median } from './statistics.js';
import type { Subject } from './subject.js';

/** A process, or several that are asked in turn and measured together. */
export interface Target extends Pick<Subject, 'cpuSeconds'> {
  readonly url: string | readonly string[];
}

/** One of those that take turns. */
export interface Side {
  readonly subject: Target;
  readonly shots: Shots;
  /** Asked for once each before anything counts: what has to be in a cache. */
  readonly first?: readonly Shot[];
  /** Where it is not the effort that says how many. */
  readonly connections?: number;
  /** Where the usual number would not make all of its processes warm. */
  readonly warmUpRequests?: number;
}

/** Ours against one reference. */
export interface Reference extends Side {
  readonly label: string;
  readonly goals?: Goals;
}

export interface Effort {
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly warmUpSeconds: number;
  /** How many sign-ins warm up what a sign-in needs: of them a second has too few. */
  readonly warmUpLogins: number;
  readonly connections: number;
  /** Of each open-loop round. */
  readonly openSeconds: number;
  /** Whether comparisons add p50, p99 and p99.9. */
  readonly withLatencies: boolean;
}

export interface Measured {
  /** CPU microseconds per request, a number for each round. */
  readonly microseconds: readonly number[];
  /** Requests per second, the median of the rounds. */
  readonly perSecond: number;
  /** CPU seconds per second. Well below 1: it was not this server that set the pace. */
  readonly busy: number;
}

interface Round {
  readonly microseconds: number;
  readonly perSecond: number;
  readonly busy: number;
}

/** One row for each reference. 1 is as good as the reference, more is better. */
export async function compare(
  workload: string,
  ours: Side,
  references: readonly Reference[],
  effort: Effort,
): Promise<Row[]> {
  const [mine, ...others] = await takeTurns([ours, ...references], effort);
  const rows: Row[] = [];
  for (const [n, reference] of references.entries()) {
    const theirs = others[n]!;
    const pairs = mine!.microseconds.map((own, round) => ({ ours: own, reference: theirs.microseconds[round]! }));
    const row = rowOf({ workload, against: reference.label, unit: 'CPU µs/request', ...reference.goals }, pairs, {
      oursPerSecond: mine!.perSecond,
      referencePerSecond: theirs.perSecond,
      oursBusy: mine!.busy,
      referenceBusy: theirs.busy,
      // The first reference is the one that matters most.
      ...(effort.withLatencies &&
        n === 0 &&
        (await latencies(ours, reference, [mine!, theirs], effort).catch(onlyVoid))),
    });
    rows.push(row);
  }
  return rows;
}

/** Many and short, because a few per cent are less than what rounds differ by; of processes that are warm. */
const SMALL_DIFFERENCE = { rounds: 40, roundSeconds: 0.5, warmUpSeconds: 0 };

/**
 * The row for a difference of a few per cent: both get the same requests per second, half of what the slower one can do.
 * At saturation whoever waits longer for a store also does less each time it is woken.
 */
export async function compareAtOneRate(
  workload: string,
  ours: Side,
  reference: Reference,
  effort: Effort,
): Promise<Row> {
  const sides = [ours, reference];
  const perSecond = commonRate(await takeTurns(sides, { ...effort, rounds: 3 }));
  const [mine, theirs] = await takeTurns(sides, { ...effort, ...SMALL_DIFFERENCE }, perSecond);
  const pairs = mine!.microseconds.map((own, round) => ({ ours: own, reference: theirs!.microseconds[round]! }));
  const what = { workload, against: reference.label, unit: 'CPU µs/request at one rate', ...reference.goals };
  return rowOf(what, pairs, { perSecond });
}

/** Half of what the slower of them can do. */
const commonRate = (measured: readonly Measured[]): number => Math.min(...measured.map((one) => one.perSecond)) / 2;

/**
 * Rounds in the order A B C, C B A, …, so that a machine that gets slower or faster does it to all.
 * @param perSecond at this rate instead of at saturation
 */
export async function takeTurns(sides: readonly Side[], effort: Effort, perSecond?: number): Promise<Measured[]> {
  const turns = sides.map((side) => ({
    side,
    load: new Load(side.subject.url, side.connections ?? effort.connections),
    rounds: [] as Round[],
  }));
  try {
    for (const { side, load } of turns) {
      const { first } = side;
      if (first) await untilValid(() => load.once(first));
      await warmUp(side, load, effort);
    }
    for (let n = 0; n < effort.rounds; n++) {
      for (const { side, load, rounds } of n % 2 ? turns.toReversed() : turns) {
        rounds.push(await untilValid(() => round(side, load, effort, perSecond)));
      }
    }
  } finally {
    for (const { load } of turns) load.close();
  }
  return turns.map(({ rounds }) => ({
    microseconds: rounds.map(({ microseconds }) => microseconds),
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    busy: median(rounds.map(({ busy }) => busy)),
  }));
}

/** Code that ran a few hundred times is still being compiled, on threads that count like any other. */
const WARM_UP_REQUESTS = 5000;
/** A hash takes longer than anything else here: after so many times the seconds it has to be enough. */
const MAX_WARM_UPS = 3;

async function warmUp(side: Side, load: Load, { warmUpSeconds }: Effort): Promise<void> {
  const { shots, warmUpRequests } = side;
  const [wanted, most] = warmUpRequests ? [warmUpRequests, Infinity] : [WARM_UP_REQUESTS, MAX_WARM_UPS];
  let answers = 0;
  for (let n = 0; n < most && answers < wanted; n++)
    answers += (await untilValid(() => load.closed(shots, { seconds: warmUpSeconds }))).answers;
}

async function round(side: Side, load: Load, { roundSeconds }: Effort, perSecond?: number): Promise<Round> {
  const { subject, shots } = side;
  const before = subject.cpuSeconds();
  const { seconds, answers } = perSecond
    ? await load.open(shots, perSecond, roundSeconds)
    : await load.closed(shots, { seconds: roundSeconds });
  if (answers === 0) throw new VoidRound('not one answer');
  const used = subject.cpuSeconds() - before;
  return { microseconds: (used * 1e6) / answers, perSecond: answers / seconds, busy: used / seconds };
}

/** Of both at the same rate. */
async function latencies(
  ours: Side,
  theirs: Side,
  measured: readonly [Measured, Measured],
  { openSeconds }: Effort,
): Promise<Record<string, number>> {
  const perSecond = commonRate(measured);
  const values: Record<string, number> = { latencyAtPerSecond: perSecond };
  for (const [name, side] of [
    ['ours', ours],
    ['reference', theirs],
  ] as const) {
    const result = await openLoop(side, perSecond, openSeconds);
    for (const [label, percentile] of [
      ['P50', 50],
      ['P99', 99],
      ['P999', 99.9],
    ] as const) {
      values[`${name}${label}Ms`] = result.latencyMs(percentile);
    }
  }
  return values;
}

/** A comparison stands without them. */
function onlyVoid(error: unknown): Record<string, number> {
  if (error instanceof VoidRound) return {};
  throw error;
}

/** More than enough for any server here; an open loop must not wait for a free connection. */
const OPEN_CONNECTIONS = 256;

/** A round of an open loop. @throws VoidRound when it was void each time */
export async function openLoop(
  { subject, shots, connections = OPEN_CONNECTIONS }: Side,
  perSecond: number,
  seconds: number,
): ReturnType<Load['open']> {
  const load = new Load(subject.url, connections);
  try {
    // Clients keep their connections; hundreds of new ones at once would be what is measured.
    await load.connect(shots);
    return await untilValid(() => load.open(shots, perSecond, seconds));
  } finally {
    load.close();
  }
}
