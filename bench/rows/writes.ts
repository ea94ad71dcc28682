import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { compare } from '../harness/compare.js';
import type { Bench, Row } from '../harness/bench.js';
import { Load, type Shots } from '../harness/load.js';
import { status, write } from '../harness/shots.js';

/** Those who write: few enough that their tasks can be copied for the peer. */
const WRITERS = 50;

/** Creates with an Idempotency-Key, and patches, each with its validation, its version and the forgotten cache. */
export async function* writes(bench: Bench): AsyncGenerator<Row> {
  await leaveTemplate(bench);
  const peer = await bench.peer('bare-5');
  await copyTasks(bench);
  const effort = { ...bench.effort, requests: Math.ceil(bench.effort.requests / 5) };
  for (const [workload, shots] of [
    ['create', creates(bench)],
    ['patch', patches(bench)],
  ] as const) {
    const { ratio, spread, ours, theirs, oursPerSecond, theirsPerSecond } = await compare(
      { subject: bench.taskflow, shots },
      { subject: peer, shots },
      effort,
    );
    const values = { ours, reference: theirs, oursPerSecond, theirsPerSecond };
    yield { workload, against: 'R5', unit: 'CPU µs/request', ratio, spread, accept: 0.45, target: 0.6, values };
  }
}

function creates({ world }: Bench): Shots {
  return () => {
    const user = world.users[Math.floor(world.random() * WRITERS)]!;
    const title = `Write the report of ${Math.floor(world.random() * 1e9)}`;
    const task = {
      title,
      description: 'Numbers are in the shared folder.',
      priority: 'high',
      tags: ['work', 'writing'],
    };
    return write(
      'POST',
      '/tasks',
      user,
      task,
      (answer) => status(201)(answer) ?? (answer.body.includes(title) ? undefined : 'another task'),
      { 'idempotency-key': randomUUID() },
    );
  };
}

function patches({ world }: Bench): Shots {
  return () => {
    const user = world.users[Math.floor(world.random() * WRITERS)]!;
    const id = user.taskIds[Math.floor(world.random() * user.taskIds.length)]!;
    const title = `Review the plan of ${Math.floor(world.random() * 1e9)}`;
    return write(
      'PATCH',
      `/tasks/${id}`,
      user,
      { title },
      (answer) => status(200)(answer) ?? (answer.body.includes(title) ? undefined : 'another task'),
    );
  };
}

/** The stored form of a task that TaskFlow made, for the peer to write the like of. */
async function leaveTemplate({ world, taskflow }: Bench): Promise<void> {
  const load = new Load(taskflow.url, 1);
  const task = {
    title: 'Write the report of 1',
    description: 'Numbers are in the shared folder.',
    tags: ['work', 'writing'],
  };
  const key = { 'idempotency-key': 'bench-template' };
  await load.closed(() => write('POST', '/tasks', world.users[0]!, task, status(201), key), 1);
  await load.close();
}

async function copyTasks({ stores, world }: Bench): Promise<void> {
  const connection = await mongoose.createConnection(stores.mongoUri).asPromise();
  for (const { id } of world.users.slice(0, WRITERS)) {
    const owner = new mongoose.mongo.ObjectId(id);
    const own = await connection.collection('tasks').find({ owner, place: 'live' }).limit(1000).toArray();
    await connection.collection('r5_tasks').insertMany(own);
  }
  await connection.close();
}
