import mongoose from 'mongoose';
import { compare, type Side } from '../harness/compare.js';
import { copyCollection, withDatabase } from '../harness/copy.js';
import type { Bench } from '../harness/bench.js';
import type { Answer, Shot } from '../harness/client.js';
import type { Row } from '../harness/row.js';
import { containing, get, remove, status, write } from '../harness/shots.js';
import { random, zipf } from '../harness/statistics.js';
import type { Subject } from '../harness/subject.js';
import type { BenchUser, World } from '../harness/world.js';
import { PROFILE, STATS } from '../peers/settings.js';
import { searching } from './pages.js';
import { Devices, login } from './sessions.js';

const SHARES = {
  stats: 40,
  profile: 15,
  list: 22,
  'by id': 8,
  patch: 6,
  create: 3,
  delete: 1,
  refresh: 2,
  search: 1.5,
  login: 0.5,
  'bad token': 1,
} as const;

/** Fewer than there are, because all of theirs is copied. */
const PEOPLE = 500;

type Kind = keyof typeof SHARES;

/** What a front end asks for in a day, in one minute; against the application of the first sketch on data of its own. */
export async function mix(bench: Bench): Promise<Row[]> {
  const database = await copyWorld(bench);
  const express = await bench.startPeer('express', { environment: { MONGODB_URI: database } });
  try {
    const ours = await sideOf(bench, bench.taskflow, ({ token }) => token);
    const theirs = await sideOf(bench, express, ({ hmacToken }) => hmacToken);
    return await compare('the mix', ours, [{ ...theirs, label: 'X1' }], bench.effort);
  } finally {
    await express.stop();
  }
}

/** A database beside the other one, because two programs that cache must not write to the same tasks. */
async function copyWorld({ stores, world }: Bench): Promise<string> {
  const address = new URL(stores.mongoUri);
  address.pathname += '_x1';
  const name = address.pathname.slice(1);
  await withDatabase(stores.mongoUri, async (own, other) => {
    const ids = world.users.slice(0, PEOPLE).map(({ id }) => new mongoose.mongo.ObjectId(id));
    await copyCollection(own, 'users', other(name), 'users', { _id: { $in: ids } });
    await copyCollection(own, 'tasks', other(name), 'tasks', { owner: { $in: ids } });
  });
  return address.toString();
}

async function sideOf({ world, effort }: Bench, subject: Subject, tokenOf: (user: BenchUser) => string): Promise<Side> {
  const devices = await Devices.signIn(subject.url, world.users.slice(0, effort.connections));
  return { subject, shots: new Mix(world, devices, tokenOf).shots };
}

/** The same order of requests for everybody who is asked. */
class Mix {
  private readonly next = random(40_15_22);
  private readonly users: readonly BenchUser[];
  private readonly rank;
  private readonly created: { readonly user: BenchUser; readonly id: string }[] = [];

  constructor(
    world: World,
    private readonly devices: Devices,
    private readonly tokenOf: (user: BenchUser) => string,
  ) {
    this.users = world.users.slice(0, PEOPLE);
    this.rank = zipf(this.users.length, this.next);
  }

  readonly shots = (): Shot => this.shot(this.kind(), this.users[this.rank()]!);

  private kind(): Kind {
    let left = this.next() * 100;
    for (const [kind, share] of Object.entries(SHARES)) if ((left -= share) < 0) return kind as Kind;
    return 'stats';
  }

  private shot(kind: Kind, user: BenchUser): Shot {
    const token = this.tokenOf(user);
    const id = user.taskIds[Math.floor(this.next() * user.taskIds.length)]!;
    const title = `Review the plan of ${Math.floor(this.next() * 1e9)}`;
    switch (kind) {
      case 'stats':
        return { ...get(STATS, user, token), verify: containing(200, '"completionRate":') };
      case 'profile':
        return { ...get(PROFILE, user, token), verify: containing(200, `"email":"${user.email}"`) };
      case 'list':
        return { ...get('/tasks', user, token), verify: twentyTasks };
      case 'by id':
        return { ...get(`/tasks/${id}`, user, token), verify: containing(200, `"id":"${id}"`) };
      case 'patch':
        return write('PATCH', `/tasks/${id}`, token, { title }, containing(200, title));
      case 'create':
        return this.create(user, title);
      case 'delete':
        return this.delete() ?? this.create(user, title);
      case 'refresh':
        return this.devices.refresh() ?? this.shot('stats', user);
      case 'search':
        return { ...searching(user, this.next(), token), verify: containing(200, '"items":[{') };
      case 'login':
        return login(user);
      case 'bad token':
        return { ...get(STATS, user, `${token}x`), verify: status(401) };
    }
  }

  private create(user: BenchUser, title: string): Shot {
    return write('POST', '/tasks', this.tokenOf(user), { title, priority: 'high', tags: ['work'] }, (answer) => {
      const wrong = containing(201, title)(answer);
      if (!wrong) this.created.push({ user, id: (JSON.parse(answer.body.toString()) as { id: string }).id });
      return wrong;
    });
  }

  private delete(): Shot | undefined {
    const task = this.created.pop();
    return task && remove(`/tasks/${task.id}`, this.tokenOf(task.user));
  }
}

function twentyTasks(answer: Answer): string | undefined {
  const wrong = status(200)(answer);
  if (wrong) return wrong;
  const { items } = JSON.parse(answer.body.toString()) as { items: unknown[] };
  return items.length === 20 ? undefined : `${items.length} tasks`;
}
