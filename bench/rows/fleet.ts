// Several processes on the same stores: what one more costs, and what they owe each other while all of them are busy.
import { setTimeout as delay } from 'node:timers/promises';
import { takeTurns, type Effort, type Side, type Target } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import { Load, type Shots } from '../harness/load.js';
import { hasNginx, startNginx } from '../harness/nginx.js';
import { rowOf, type Row } from '../harness/row.js';
import { get, status, write } from '../harness/shots.js';
import { mean } from '../harness/statistics.js';
import type { Subject } from '../harness/subject.js';
import type { BenchUser } from '../harness/world.js';
import { STATS } from '../peers/settings.js';
import { exactly } from './cached.js';
import { login } from './sessions.js';

const PROCESSES = 3;
/** Of each process, so that none is measured before it is as fast as the others. */
const WARM_UP_REQUESTS = 40_000;
const REVOCATIONS = 5;
const WRITES = 50;
const GIVE_UP_SECONDS = 5;

/** Three processes, together and each by itself, behind nginx; where there is none, asked in turn. */
export async function fleet(bench: Bench): Promise<Row[]> {
  const processes: Subject[] = [];
  for (let n = 0; n < PROCESSES; n++) processes.push(await bench.startTaskFlow());
  const many = await inFront(processes);
  const each = await Promise.all(processes.map((process) => inFront([process])));
  try {
    const side = exactly(bench, STATS);
    const row = await togetherAndAlone(side, many, each, bench.effort);
    const hasEnded = keepBusy(many, side.shots);
    try {
      return [row, await revocation(bench, processes), await ownWrites(bench, many)];
    } finally {
      await hasEnded();
    }
  } finally {
    await Promise.all([many, ...each, ...processes].map((running) => running.stop()));
  }
}

/** The same processes both ways, because two of them may differ by more than what is measured. nginx is not counted. */
async function togetherAndAlone(
  side: Omit<Side, 'subject'>,
  many: Target,
  each: readonly Target[],
  effort: Effort,
): Promise<Row> {
  const together: Side = {
    ...side,
    subject: many,
    // As many clients for each process: what arrives together goes to Redis together.
    connections: PROCESSES * effort.connections,
    warmUpRequests: PROCESSES * WARM_UP_REQUESTS,
  };
  const [all, ...single] = await takeTurns([together, ...each.map((subject) => ({ ...side, subject }))], effort);
  const pairs = all!.microseconds.map((ours, round) => ({
    ours,
    reference: mean(single.map(({ microseconds }) => microseconds[round]!)),
  }));
  const against = hasNginx() ? 'each by itself behind nginx' : 'each by itself';
  const what = { workload: `${PROCESSES} processes, requests per CPU second`, against, unit: 'CPU µs/request' };
  return rowOf({ ...what, accept: 0.8, target: 0.88 }, pairs, {
    oursPerSecond: all!.perSecond,
    referencePerSecond: mean(single.map(({ perSecond }) => perSecond)),
    oursBusy: all!.busy,
    referenceBusy: mean(single.map(({ busy }) => busy)),
  });
}

async function inFront(processes: readonly Subject[]): Promise<Target & { stop(): Promise<void> }> {
  const urls = processes.map(({ url }) => url);
  const cpuSeconds = (): number => processes.reduce((sum, process) => sum + process.cpuSeconds(), 0);
  if (!hasNginx()) return { url: urls, cpuSeconds, stop: async () => undefined };
  return { ...(await startNginx(urls)), cpuSeconds };
}

/** From the answer to a log-out at one process to the moment from which all of them refuse the token. */
async function revocation({ world }: Bench, processes: readonly Subject[]): Promise<Row> {
  const [first] = processes as [Subject];
  const seconds: number[] = [];
  for (let n = 0; n < REVOCATIONS; n++) {
    const token = await signIn(first, world.writers[n]!);
    const shot = get(STATS, world.writers[n]!, token);
    await Promise.all(processes.map((process) => asking(process, (load) => load.ask(shot))));
    await asking(first, (load) => load.ask(write('POST', '/auth/logout', token, {}, status(204))));
    const begun = performance.now();
    const refusals = processes.map((process) =>
      asking(process, async (load) => {
        while ((await load.send(shot)).status !== 401) {
          if (performance.now() - begun > GIVE_UP_SECONDS * 1000) return;
          await delay(2);
        }
      }),
    );
    await Promise.all(refusals);
    seconds.push((performance.now() - begun) / 1000);
  }
  const what = { workload: 'revoked token, refused by all processes', against: '1 s', unit: 's, the slowest' };
  const worst = { ours: Math.max(...seconds), reference: 1 };
  return rowOf({ ...what, lowerIsBetter: true, accept: 1 }, [worst]);
}

async function signIn(process: Subject, user: BenchUser): Promise<string> {
  const { body } = await asking(process, (load) => load.ask(login(user)));
  return (JSON.parse(body.toString()) as { accessToken: string }).accessToken;
}

/** Each task that is created is in the number that the next request brings, whichever process answers it. */
async function ownWrites({ world }: Bench, target: Target): Promise<Row> {
  const user = world.writers.at(-1)!;
  const load = new Load(target.url, 1);
  try {
    const total = async (): Promise<number> =>
      (JSON.parse((await load.ask(get(STATS, user))).body.toString()) as { total: number }).total;
    let shown = 0;
    for (let n = 0; n < WRITES; n++) {
      const before = await total();
      await load.ask(write('POST', '/tasks', user.token, { title: `Count this one ${n}` }, status(201)));
      if ((await total()) === before + 1) shown++;
    }
    const what = { workload: 'writes that the next stats count', against: 'all of them', unit: 'part' };
    return { ...what, ratio: shown / WRITES, spread: 0, accept: 1, values: { ours: shown, reference: WRITES } };
  } finally {
    load.close();
  }
}

async function asking<T>({ url }: Subject, ask: (load: Load) => Promise<T>): Promise<T> {
  const load = new Load(url, 1);
  try {
    return await ask(load);
  } finally {
    load.close();
  }
}

/** @returns what ends it. @throws then, when an answer was wrong */
function keepBusy({ url }: Target, shots: Shots): () => Promise<void> {
  const load = new Load(url, 8);
  let isOver = false;
  const running = (async () => {
    while (!isOver) await load.closed(shots, { requests: 500 });
  })();
  // Whoever ends it hears of it.
  running.catch(() => undefined);
  return async () => {
    isOver = true;
    await running.finally(() => load.close());
  };
}
