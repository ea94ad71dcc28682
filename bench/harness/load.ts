import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, type Answer, type Shot } from './client.js';

export type Shots = () => Shot;

/** Answers by status, and how long they took, in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly answers: number;
  readonly byStatus: Readonly<Record<number, number>>;
  /** From the intended time of sending, where there was one. */
  latencyMs(percentile: number): number;
  latencyMsOf(status: number, percentile: number): number;
}

/** Beyond this an open-loop round says more about the generator than about the server. */
const GENERATOR_LAG_MS = 50;

/** Fewer than a server takes for too many. */
const OPENED_AT_ONCE = 32;

/** A round that does not count: a wrong answer, or a generator that was too slow. */
export class VoidRound extends Error {
  override readonly name = 'VoidRound';
}

/** The result of the first round that counts. @throws VoidRound when none of five did */
export async function untilValid<T>(round: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await round();
    } catch (error) {
      if (!(error instanceof VoidRound) || attempt === 5) throw error;
    }
  }
}

/** The connections of one kind of client to one server, or to several in turn. */
export class Load {
  private readonly connections: readonly Connection[];
  private readonly free: Connection[];
  private readonly waiting: ((connection: Connection) => void)[] = [];

  constructor(urls: string | readonly string[], connections = 32) {
    const targets = [urls].flat();
    this.connections = Array.from({ length: connections }, (_, n) => new Connection(targets[n % targets.length]!));
    this.free = [...this.connections];
  }

  /** Opens all connections, a few at a time, and waits until each has had an answer. */
  async connect(shots: Shots): Promise<void> {
    for (let n = 0; n < this.connections.length; n += OPENED_AT_ONCE) {
      const some = this.connections.slice(n, n + OPENED_AT_ONCE);
      await Promise.all(some.map((connection) => connection.send(shots())));
    }
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  /** Asks when a connection is free. */
  async send(shot: Shot): Promise<Answer> {
    const connection = this.free.pop() ?? (await new Promise<Connection>((resolve) => this.waiting.push(resolve)));
    try {
      return await connection.send(shot);
    } finally {
      const next = this.waiting.shift();
      if (next) next(connection);
      else this.free.push(connection);
    }
  }

  /** @throws VoidRound when the answer is wrong */
  async ask(shot: Shot): Promise<Answer> {
    const answer = await this.send(shot);
    const wrong = shot.verify(answer);
    if (wrong) throw new VoidRound(`${shot.method} ${shot.path}: ${wrong}`);
    return answer;
  }

  /** Each of these once. @throws VoidRound at the first wrong answer */
  async once(shots: readonly Shot[]): Promise<void> {
    const left = shots.values();
    await this.lanes(() => left.next().value, new Recorder());
  }

  /**
   * For some seconds, or until that many are sent, each connection sends its next request when it has its answer.
   * @throws VoidRound at the first wrong answer
   */
  async closed(shots: Shots, bound: { seconds: number } | { requests: number }): Promise<LoadResult> {
    const record = new Recorder();
    let left = 'requests' in bound ? bound.requests : Infinity;
    const end = 'seconds' in bound ? performance.now() + bound.seconds * 1000 : Infinity;
    await this.lanes(() => (left-- > 0 && performance.now() < end ? shots() : undefined), record);
    return record.result();
  }

  /**
   * Requests at times that are fixed in advance, whether or not earlier ones have been answered: a server that stalls
   * does not thereby get fewer of them.
   * @throws VoidRound at the first wrong answer, and when this process could not keep up
   */
  async open(shots: Shots, perSecond: number, seconds: number): Promise<LoadResult> {
    const record = new Recorder();
    const running: Promise<void>[] = [];
    const start = performance.now();
    const total = Math.floor(perSecond * seconds);
    let worstLagMs = 0;
    let failure: unknown;
    for (let i = 0; i < total && failure === undefined;) {
      const due = Math.min(total, Math.floor(((performance.now() - start) * perSecond) / 1000) + 1);
      for (; i < due; i++) {
        const intended = start + (i * 1000) / perSecond;
        worstLagMs = Math.max(worstLagMs, performance.now() - intended);
        running.push(this.attempt(shots(), intended, record).catch((error: unknown) => void (failure ??= error)));
      }
      await delay(1);
    }
    await Promise.all(running);
    if (failure !== undefined) throw failure;
    if (worstLagMs > GENERATOR_LAG_MS) throw new VoidRound(`the generator was ${worstLagMs.toFixed(0)} ms late`);
    return record.result();
  }

  /** As many at a time as there are connections, until there is no next one; a failure ends all of them. */
  private async lanes(next: () => Shot | undefined, record: Recorder): Promise<void> {
    let failure: unknown;
    const lane = async (): Promise<void> => {
      for (let shot = next(); shot && failure === undefined; shot = next()) {
        await this.attempt(shot, performance.now(), record).catch((error: unknown) => void (failure ??= error));
      }
    };
    await Promise.all(this.connections.map(lane));
    if (failure !== undefined) throw failure;
  }

  private async attempt(shot: Shot, intended: number, record: Recorder): Promise<void> {
    const answer = await this.send(shot);
    record.add(answer.status, performance.now() - intended);
    const wrong = shot.verify(answer);
    if (wrong) throw new VoidRound(`${shot.method} ${shot.path}: ${wrong}`);
  }
}

class Recorder {
  private readonly start = performance.now();
  private readonly histograms = new Map<number, RecordableHistogram>();

  add(status: number, milliseconds: number): void {
    let histogram = this.histograms.get(status);
    if (!histogram) this.histograms.set(status, (histogram = createHistogram()));
    histogram.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  result(): LoadResult {
    const seconds = (performance.now() - this.start) / 1000;
    const all = createHistogram();
    for (const histogram of this.histograms.values()) all.add(histogram);
    return {
      seconds,
      answers: all.count,
      byStatus: Object.fromEntries([...this.histograms].map(([status, { count }]) => [status, count])),
      latencyMs: (percentile) => all.percentile(percentile) / 1000,
      latencyMsOf: (status, percentile) => (this.histograms.get(status)?.percentile(percentile) ?? 0) / 1000,
    };
  }
}
