import { Load, VoidRound, type Shots } from './load.js';
import { median, spread } from './statistics.js';
import type { Subject } from './subject.js';

/** One of the two that take turns. */
export interface Side {
  readonly subject: Subject;
  readonly shots: Shots;
  /** What a round leaves behind is removed here, outside of the measured time. */
  readonly afterRound?: () => Promise<void>;
}

export interface Comparison {
  /** CPU of the reference ÷ CPU of ours, per request: 1 is as good as the reference, more is better. */
  readonly ratio: number;
  readonly spread: number;
  /** CPU microseconds per request, median of the rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** Requests per second while nothing else was asked of the server. */
  readonly oursPerSecond: number;
  readonly theirsPerSecond: number;
}

export interface Effort {
  readonly rounds: number;
  /** Per round. */
  readonly requests: number;
  /** Before the first round. */
  readonly warmUp: number;
  readonly connections: number;
}

interface Round {
  readonly microseconds: number;
  readonly perSecond: number;
}

/** Rounds in the order A B B A, so that a machine that gets slower or faster does it to both. */
export async function compare(ours: Side, theirs: Side, effort: Effort): Promise<Comparison> {
  const loads = [ours, theirs].map(({ subject }) => new Load(subject.url, effort.connections));
  const [ourLoad, theirLoad] = loads as [Load, Load];
  try {
    // Code that ran a few hundred times is still being compiled, on threads that count like any other.
    await ourLoad.closed(ours.shots, effort.warmUp);
    await theirLoad.closed(theirs.shots, effort.warmUp);
    const [a, b]: [Round[], Round[]] = [[], []];
    for (let n = 0; n < effort.rounds; n++) {
      const oursFirst = n % 2 === 0;
      if (oursFirst) a.push(await round(ours, ourLoad, effort));
      b.push(await round(theirs, theirLoad, effort));
      if (!oursFirst) a.push(await round(ours, ourLoad, effort));
    }
    const ratios = a.map(({ microseconds }, n) => b[n]!.microseconds / microseconds);
    return {
      ratio: median(ratios),
      spread: spread(ratios),
      ours: median(a.map(({ microseconds }) => microseconds)),
      theirs: median(b.map(({ microseconds }) => microseconds)),
      oursPerSecond: median(a.map(({ perSecond }) => perSecond)),
      theirsPerSecond: median(b.map(({ perSecond }) => perSecond)),
    };
  } finally {
    await Promise.all(loads.map((load) => load.close()));
  }
}

/** @throws VoidRound when it was void three times */
async function round({ subject, shots, afterRound }: Side, load: Load, { requests }: Effort): Promise<Round> {
  for (let attempt = 1; ; attempt++) {
    try {
      const before = subject.cpuSeconds();
      const { seconds } = await load.closed(shots, requests);
      const microseconds = ((subject.cpuSeconds() - before) * 1e6) / requests;
      await afterRound?.();
      return { microseconds, perSecond: requests / seconds };
    } catch (error) {
      if (!(error instanceof VoidRound) || attempt === 3) throw error;
    }
  }
}
