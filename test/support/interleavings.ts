import type { CacheStore, StoredAnswer } from '../../src/core/cache/cache.store.js';

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What was written last, and what was acknowledged: what a database holds and what a client may rely on. */
interface Truth {
  written: number;
  acknowledged: number;
}

/** One step after another; the caller decides when each begins and may let others begin meanwhile. */
type Steps = AsyncGenerator<void, void, void>;

const NAME = 'tasks.stats';
const answerOf = (version: number): StoredAnswer => ({ body: String(version), etag: `"${version}"` });

/** As the interceptor does it: look, compute on a miss, store under the generation that came with the look. */
async function* reader(store: CacheStore, owner: string, truth: Truth, log: string[], name: string): Steps {
  const known = truth.acknowledged;
  const { generation, answer } = await store.read(owner, NAME);
  log.push(`${name} knows ${known}, ${answer ? `is served ${answer.body}` : 'misses'}`);
  if (answer) {
    if (Number(answer.body) < known) log.push('STALE');
    return;
  }
  yield;
  const { written } = truth;
  log.push(`${name} loads ${written}`);
  yield;
  await store.write(owner, generation, NAME, answerOf(written), 60_000);
  log.push(`${name} stored ${written}`);
}

/** As a service does it: write, forget, and only then answer. */
async function* writer(store: CacheStore, owner: string, truth: Truth, log: string[], name: string): Steps {
  const version = ++truth.written;
  log.push(`${name} writes ${version}`);
  yield;
  await store.forget(owner);
  truth.acknowledged = Math.max(truth.acknowledged, version);
  log.push(`${name} acknowledges ${version}`);
}

/** Something that may happen to an entry at any time, such as its eviction. */
export type Mishap = (owner: string) => Promise<unknown>;

async function* mishap(happen: Mishap, owner: string, log: string[]): Steps {
  await happen(owner);
  log.push('a mishap');
  yield;
}

const advance = async (steps: Steps): Promise<boolean> => (await steps.next()).done === true;

/**
 * Readers and writers of one owner, each at one of the stores (processes), in an order that the seed decides. Some steps
 * begin before others have ended.
 * @returns what happened; `STALE` follows an answer older than a write that was acknowledged before the question
 */
export async function interleave(
  seed: number,
  stores: readonly CacheStore[],
  owner: string,
  happen?: Mishap,
): Promise<readonly string[]> {
  const random = randomOf(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const truth: Truth = { written: 0, acknowledged: 0 };
  const log: string[] = [];
  const some = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  let actors: Steps[] = [
    ...Array.from({ length: some(2, 5) }, (_, n) => reader(pick(stores), owner, truth, log, `reader ${n}`)),
    ...Array.from({ length: some(1, 3) }, (_, n) => writer(pick(stores), owner, truth, log, `writer ${n}`)),
    ...(happen && random() < 0.3 ? [mishap(happen, owner, log)] : []),
  ];
  const running = new Map<Steps, Promise<void>>();
  while (actors.length > 0) {
    const actor = pick(actors);
    await running.get(actor);
    const step = advance(actor).then((isDone) => {
      running.delete(actor);
      if (isDone) actors = actors.filter((other) => other !== actor);
      return undefined;
    });
    running.set(actor, step);
    // Whoever waits for this step next hears of it.
    step.catch(() => undefined);
    if (random() < 0.7) await step;
  }
  const last = reader(pick(stores), owner, truth, log, 'the last reader');
  await last.next();
  return log;
}
