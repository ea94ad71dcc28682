// What grows with the number of tasks that somebody has: by the clock, one at a time, the database included.
import mongoose from 'mongoose';
import { statsOf } from '../peers/stats.js';
import type { Bench } from '../harness/bench.js';
import { Load, untilValid } from '../harness/load.js';
import { rowOf, type Pair, type Row } from '../harness/row.js';
import { get, status, write } from '../harness/shots.js';
import { random } from '../harness/statistics.js';
import { insertTasks, type BenchUser } from '../harness/world.js';

const DEPTH = 50_000;
const PAGES_A_ROUND = 100;
const TASKS = 100_000;

/** The same page behind 50,000 newer tasks, which is page 2,500, and near the beginning. */
export async function depth(bench: Bench): Promise<Row[]> {
  const user = bench.world.hoarder;
  await tasksOf(bench);
  const load = new Load(bench.taskflow.url, 1);
  try {
    const [near, far] = [await cursorAt(load, user, 100), await cursorAt(load, user, DEPTH)];
    const milliseconds = async (cursor: string): Promise<number> => {
      const shots = () => get(`/tasks?cursor=${cursor}`, user);
      return (await untilValid(() => load.closed(shots, { requests: PAGES_A_ROUND }))).latencyMs(50);
    };
    await milliseconds(near);
    const pairs: Pair[] = [];
    for (let n = 0; n < bench.effort.rounds; n++) {
      pairs.push({ ours: await milliseconds(far), reference: await milliseconds(near) });
    }
    return [
      rowOf(
        {
          workload: 'page 2,500 (depth 50,000)',
          against: 'page 6',
          unit: 'ms p50',
          accept: 1.5,
          target: 1.2,
          lowerIsBetter: true,
        },
        pairs,
      ),
    ];
  } finally {
    load.close();
  }
}

/** Stats that are nowhere kept, of somebody with 100,000 tasks, against the driver's `$group` over the same index. */
export async function statsMiss(bench: Bench): Promise<Row[]> {
  const user = bench.world.hoarder;
  const ids = await tasksOf(bench);
  const connection = await mongoose.createConnection(bench.stores.mongoUri).asPromise();
  const tasks = connection.collection('tasks');
  const native = { aggregate: (pipeline: object[]) => tasks.aggregate(pipeline).toArray() };
  // A connection of its own: whoever waits for the aggregation is waited for.
  const load = new Load(bench.taskflow.url, 1);
  const pairs: Pair[] = [];
  try {
    for (let n = 0; n <= bench.effort.rounds; n++) {
      const forget = write('PATCH', `/tasks/${ids[n]}`, user.token, { title: `Something new ${n}` }, status(200));
      await load.ask(forget);
      const ours = (await load.closed(() => get('/tasks/stats', user), { requests: 1 })).latencyMs(50);
      const begun = performance.now();
      await statsOf(native as unknown as Parameters<typeof statsOf>[0], user.id);
      // The first one warms up both.
      if (n > 0) pairs.push({ ours, reference: performance.now() - begun });
    }
  } finally {
    load.close();
    await connection.close();
  }
  const what = { workload: 'stats of 100,000 tasks, not cached', against: 'native $group', unit: 'ms' };
  return [rowOf({ ...what, accept: 0.7, target: 0.85 }, pairs)];
}

/** Gives the hoarder their tasks. @returns the ids */
const tasksOf = (bench: Bench): Promise<string[]> => bench.once('many tasks', () => give(bench));

async function give({ stores, world }: Bench): Promise<string[]> {
  const connection = await mongoose.createConnection(stores.mongoUri).asPromise();
  try {
    return await insertTasks(connection, new mongoose.mongo.ObjectId(world.hoarder.id), TASKS, random(11));
  } finally {
    await connection.close();
  }
}

async function cursorAt(load: Load, user: BenchUser, depthOf: number): Promise<string> {
  let cursor = '';
  for (let seen = 0; seen < depthOf; seen += 100) {
    const { body } = await load.ask(get(`/tasks?limit=100${cursor && `&cursor=${cursor}`}`, user));
    cursor = (JSON.parse(body.toString()) as { nextCursor: string }).nextCursor;
  }
  // A cursor is bound to filters and order, not to the size of the page.
  return cursor;
}
