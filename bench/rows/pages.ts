import mongoose from 'mongoose';
import { compare } from '../harness/compare.js';
import type { Bench, Row } from '../harness/bench.js';
import { Load, type Shot, type Shots } from '../harness/load.js';
import { get, status } from '../harness/shots.js';
import { random } from '../harness/statistics.js';
import { insertTasks, type BenchUser } from '../harness/world.js';

const DEPTH = 50_000;

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

/** The first page is kept for 30 s, so the second one is what a page costs. */
export async function* pages(bench: Bench): AsyncGenerator<Row> {
  const { effort, world, taskflow } = bench;
  const cursors = await secondPages(bench);
  const ours: Shots = () => {
    const user = world.someone();
    return expecting(get(`/tasks?cursor=${cursors.get(user)}`, user), user, 20);
  };
  const first =
    (token: (user: BenchUser) => string): Shots =>
    () => {
      const user = world.someone();
      return expecting(get('/tasks', user, token(user)), user, 0);
    };
  const bare = await bench.peer('bare-4');
  const unit = 'CPU µs/request';
  const againstBare = await compare(
    { subject: taskflow, shots: ours },
    { subject: bare, shots: first(({ token }) => token) },
    effort,
  );
  yield row('page of 20', 'R4', { accept: 0.7, target: 0.85 }, againstBare);
  const nest = await bench.peer('nest');
  const againstNest = await compare(
    { subject: taskflow, shots: ours },
    { subject: nest, shots: first(({ hmacToken }) => hmacToken) },
    effort,
  );
  yield row('page of 20', 'N2', { accept: 1.5, target: 2 }, againstNest);

  function row(
    workload: string,
    against: string,
    goals: { accept: number; target: number },
    { ratio, spread, ours, theirs, oursPerSecond, theirsPerSecond }: Awaited<ReturnType<typeof compare>>,
  ): Row {
    const values = { ours, reference: theirs, oursPerSecond, theirsPerSecond };
    return { workload, against, unit, ratio, spread, ...goals, values };
  }
}

/** The same page size behind 50,000 newer tasks and at the beginning, by the clock, one at a time. */
export async function* depth(bench: Bench): AsyncGenerator<Row> {
  const user = bench.world.users[0]!;
  const connection = await mongoose.createConnection(bench.stores.mongoUri).asPromise();
  await insertTasks(connection, new mongoose.mongo.ObjectId(user.id), DEPTH + 1000, random(7));
  await connection.close();
  const load = new Load(bench.taskflow.url, 1);
  try {
    const [near, far] = [await cursorAt(load, user, 100), await cursorAt(load, user, DEPTH)];
    const shots =
      (cursor: string): Shots =>
      () =>
        get(`/tasks?cursor=${cursor}`, user);
    const times: { near: number[]; far: number[] } = { near: [], far: [] };
    for (let round = 0; round < bench.effort.rounds; round++) {
      for (const [name, cursor] of [
        ['near', near],
        ['far', far],
      ] as const) {
        times[name].push((await load.closed(shots(cursor), 200)).latencyMs(50));
      }
    }
    const ratios = times.far.map((far, n) => far / times.near[n]!).sort((a, b) => a - b);
    yield {
      workload: 'page at depth 50,000',
      against: 'page 5',
      unit: 'ms p50',
      ratio: ratios[Math.floor(ratios.length / 2)]!,
      spread: ratios.at(-1)! - ratios[0]!,
      accept: 1.5,
      target: 1.2,
      lowerIsBetter: true,
      values: { ours: Math.min(...times.far), reference: Math.min(...times.near) },
    };
  } finally {
    await load.close();
  }
}

async function cursorAt(load: Load, user: BenchUser, depthOf: number): Promise<string> {
  let cursor = '';
  for (let seen = 0; seen < depthOf; seen += 100) {
    const { body } = await load.send(get(`/tasks?limit=100${cursor && `&cursor=${cursor}`}`, user));
    cursor = (JSON.parse(body.toString()) as Page).nextCursor!;
  }
  // A cursor is bound to filters and order, not to the size of the page.
  return cursor;
}

async function secondPages({ world, taskflow }: Bench): Promise<Map<BenchUser, string>> {
  const load = new Load(taskflow.url, 1);
  const cursors = new Map<BenchUser, string>();
  for (const user of world.users) {
    const { body } = await load.send(get('/tasks', user));
    cursors.set(user, (JSON.parse(body.toString()) as Page).nextCursor!);
  }
  await load.close();
  return cursors;
}

/** These twenty tasks of this user, in this order. */
function expecting(shot: Shot, user: BenchUser, from: number): Shot {
  const ids = user.taskIds.slice(from, from + 20);
  return {
    ...shot,
    verify: (answer) => {
      const wrong = status(200)(answer);
      if (wrong) return wrong;
      const { items } = JSON.parse(answer.body.toString()) as Page;
      return items.length === ids.length && items.every(({ id }, n) => id === ids[n]) ? undefined : 'other tasks';
    },
  };
}
