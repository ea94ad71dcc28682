import mongoose from 'mongoose';
import { statsOf } from '../peers/stats.js';
import type { Bench, Row } from '../harness/bench.js';
import { Load } from '../harness/load.js';
import { get, status, write } from '../harness/shots.js';
import { median, random, spread } from '../harness/statistics.js';
import { insertTasks } from '../harness/world.js';

const TASKS = 100_000;

/** Stats that are nowhere kept, of somebody with 100,000 tasks, against the driver's `$group` over the same index. */
export async function* statsMiss(bench: Bench): AsyncGenerator<Row> {
  const user = bench.world.users.at(-1)!;
  const connection = await mongoose.createConnection(bench.stores.mongoUri).asPromise();
  const owner = new mongoose.mongo.ObjectId(user.id);
  const ids = await insertTasks(connection, owner, TASKS - user.taskIds.length, random(11));
  const tasks = connection.collection('tasks');
  const native = { aggregate: (pipeline: object[]) => tasks.aggregate(pipeline).toArray() };
  // A connection of its own: whoever waits for the aggregation is waited for.
  const load = new Load(bench.taskflow.url, 1);
  const [ours, theirs]: [number[], number[]] = [[], []];
  try {
    for (let n = 0; n <= bench.effort.rounds; n++) {
      const forget = write('PATCH', `/tasks/${ids[n]}`, user, { title: `Something new ${n}` }, status(200));
      await load.closed(() => forget, 1);
      const answered = (await load.closed(() => get('/tasks/stats', user), 1)).latencyMs(50);
      const begun = performance.now();
      await statsOf(native as unknown as Parameters<typeof statsOf>[0], user.id);
      const grouped = performance.now() - begun;
      // The first one warms up both.
      if (n > 0) {
        ours.push(answered);
        theirs.push(grouped);
      }
    }
  } finally {
    await load.close();
    await connection.close();
  }
  const ratios = ours.map((ms, n) => theirs[n]! / ms);
  yield {
    workload: 'stats of 100,000 tasks, not cached',
    against: 'native $group',
    unit: 'ms',
    ratio: median(ratios),
    spread: spread(ratios),
    accept: 0.7,
    target: 0.85,
    values: { ours: median(ours), reference: median(theirs) },
  };
}
