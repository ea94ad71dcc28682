import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One request, and what has to come back. */
export interface Shot {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What is wrong with the answer, in a few words; undefined when nothing is. */
  verify(answer: Answer): string | undefined;
}

export type Shots = () => Shot;

/** Answers by status, and how long they took, in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly answers: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** From the intended time of sending, where there was one. */
  latencyMs(percentile: number): number;
  latencyMsOf(status: number, percentile: number): number;
}

/** The connections of one kind of client to one server. */
export class Load {
  private readonly pool: Pool;

  constructor(
    url: string,
    readonly connections = 32,
  ) {
    this.pool = new Pool(url, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  async send(shot: Shot): Promise<Answer> {
    const { statusCode, headers, body } = await this.pool.request({
      method: shot.method,
      path: shot.path,
      headers: { ...shot.headers },
      body: shot.body ?? null,
    });
    return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
  }

  /** Every connection sends its next request when it has its answer. @throws at the first wrong answer */
  async closed(shots: Shots, requests: number): Promise<LoadResult> {
    const record = new Recorder();
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < requests) {
        sent++;
        await this.attempt(shots(), performance.now(), record);
      }
    };
    await Promise.all(Array.from({ length: this.connections }, lane));
    return record.result();
  }

  /**
   * Requests at times that are fixed in advance, whether or not earlier ones have been answered: a server that stalls
   * does not thereby get fewer of them. @throws at the first wrong answer, and when this process could not keep up
   */
  async open(shots: Shots, perSecond: number, seconds: number): Promise<LoadResult> {
    const record = new Recorder();
    const running: Promise<void>[] = [];
    const start = performance.now();
    const total = Math.floor(perSecond * seconds);
    let worstLagMs = 0;
    for (let i = 0; i < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - start) * perSecond) / 1000) + 1);
      for (; i < due; i++) {
        const intended = start + (i * 1000) / perSecond;
        worstLagMs = Math.max(worstLagMs, performance.now() - intended);
        running.push(this.attempt(shots(), intended, record));
      }
      await delay(1);
    }
    await Promise.all(running);
    if (worstLagMs > GENERATOR_LAG_MS) throw new VoidRound(`the generator was ${worstLagMs.toFixed(0)} ms late`);
    return record.result();
  }

  private async attempt(shot: Shot, intended: number, record: Recorder): Promise<void> {
    const answer = await this.send(shot);
    record.add(answer.status, performance.now() - intended);
    const wrong = shot.verify(answer);
    if (wrong) throw new VoidRound(`${shot.method} ${shot.path}: ${wrong}`);
  }
}

/** Beyond this an open-loop round says more about the generator than about the server. */
const GENERATOR_LAG_MS = 50;

/** A round that does not count: a wrong answer, or a generator that was too slow. */
export class VoidRound extends Error {
  override readonly name = 'VoidRound';
}

class Recorder {
  private readonly start = performance.now();
  private readonly all = createHistogram();
  private readonly histograms = new Map<number, ReturnType<typeof createHistogram>>();

  add(status: number, milliseconds: number): void {
    const microseconds = Math.max(1, Math.round(milliseconds * 1000));
    this.all.record(microseconds);
    let own = this.histograms.get(status);
    if (!own) this.histograms.set(status, (own = createHistogram()));
    own.record(microseconds);
  }

  result(): LoadResult {
    const { all, histograms } = this;
    return {
      seconds: (performance.now() - this.start) / 1000,
      answers: all.count,
      byStatus: Object.fromEntries([...histograms].map(([status, { count }]) => [status, count])),
      latencyMs: (percentile) => all.percentile(percentile) / 1000,
      latencyMsOf: (status, percentile) => (histograms.get(status)?.percentile(percentile) ?? 0) / 1000,
    };
  }
}
