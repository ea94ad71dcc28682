import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { compare, compareAtOneRate } from '../harness/compare.js';
import { copyCollection, withDatabase } from '../harness/copy.js';
import type { Bench } from '../harness/bench.js';
import { Load, type Shots } from '../harness/load.js';
import type { Row } from '../harness/row.js';
import { containing, status, write } from '../harness/shots.js';
import type { BenchUser } from '../harness/world.js';

/** Creates with an Idempotency-Key, and patches, each with its validation, its version and the forgotten cache. */
export async function writes(bench: Bench): Promise<Row[]> {
  await bench.once('tasks of R5', () => copyTasks(bench));
  const subject = await bench.peer('bare:R5');
  const rows: Row[] = [];
  for (const [workload, shots] of [
    ['create', creates(bench)],
    ['patch', patches(bench)],
  ] as const) {
    const reference = { subject, label: 'R5', goals: { accept: 0.45, target: 0.6 }, shots };
    rows.push(...(await compare(workload, { subject: bench.taskflow, shots }, [reference], bench.effort)));
  }
  return rows;
}

/**
 * What it costs a process that its writes are told of, against the same program without events. Both are young, so that
 * neither has had longer to become fast. The worker stands still meanwhile, as if it were on another machine: on the core
 * of the stores it makes every answer of theirs later, which `beside the worker` shows.
 */
export async function events(bench: Bench): Promise<Row[]> {
  const own = await bench.startTaskFlow();
  const silent = await bench.startWithoutEvents();
  const reference = { subject: silent, label: 'without' };
  const atOneRate = (workload: string, shots: Shots): Promise<Row> =>
    compareAtOneRate(workload, { subject: own, shots }, { ...reference, shots, goals: { accept: 0.95 } }, bench.effort);
  try {
    bench.worker.pause();
    const rows = [
      await atOneRate('create, with its event', creates(bench)),
      await atOneRate('patch, with its event', patches(bench)),
    ];
    bench.worker.resume();
    const shots = patches(bench);
    const beside = 'patch, with its event, beside the worker';
    const effort = { ...bench.effort, withLatencies: false };
    return [...rows, ...(await compare(beside, { subject: own, shots }, [{ ...reference, shots }], effort))];
  } finally {
    bench.worker.resume();
    await Promise.all([own.stop(), silent.stop()]);
  }
}

const writer = ({ world }: Bench): BenchUser => world.writers[Math.floor(world.random() * world.writers.length)]!;

function creates(bench: Bench): Shots {
  return () => {
    const title = `Write the report of ${Math.floor(bench.world.random() * 1e9)}`;
    const task = { ...TASK, title, priority: 'high' };
    const key = { 'idempotency-key': randomUUID() };
    return write('POST', '/tasks', writer(bench).token, task, containing(201, title), key);
  };
}

function patches(bench: Bench): Shots {
  return () => {
    const user = writer(bench);
    const id = user.taskIds[Math.floor(bench.world.random() * user.taskIds.length)]!;
    const title = `Review the plan of ${Math.floor(bench.world.random() * 1e9)}`;
    return write('PATCH', `/tasks/${id}`, user.token, { title }, containing(200, title));
  };
}

const TASK = {
  title: 'Write the report of 1',
  description: 'Numbers are in the shared folder.',
  tags: ['work', 'writing'],
};

async function copyTasks(bench: Bench): Promise<void> {
  await leaveTemplate(bench);
  const owners = bench.world.writers.map(({ id }) => new mongoose.mongo.ObjectId(id));
  await withDatabase(bench.stores.mongoUri, (own) =>
    copyCollection(own, 'tasks', own, 'r5_tasks', { owner: { $in: owners }, place: 'live' }),
  );
}

/** The stored form of a task that TaskFlow made, for the peer to write the like of. */
async function leaveTemplate({ world, taskflow }: Bench): Promise<void> {
  const load = new Load(taskflow.url, 1);
  const key = { 'idempotency-key': 'bench-template' };
  await load.ask(write('POST', '/tasks', world.writers[0]!.token, TASK, status(201), key));
  load.close();
}
