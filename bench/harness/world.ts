import { JwtService } from '@nestjs/jwt';
import { hash } from '@node-rs/argon2';
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import mongoose, { type Types } from 'mongoose';
import { generateJwtKey } from '../../src/config/keys.js';
import { createTask, PRIORITIES, STATUSES, type Task } from '../../src/modules/tasks/task.js';
import { searchFieldsOf } from '../../src/modules/tasks/task-search.js';
import { storedFields } from '../../src/modules/tasks/stored-task.js';
import { emailKey, searchTerms } from '../../src/modules/users/user.js';
import { random, zipf } from './statistics.js';

export const PASSWORD = 'a password for the benchmark';
/** What the peers of the usual kind sign with. */
export const HMAC_SECRET = randomBytes(32).toString('hex');

const DAY_MS = 24 * 60 * 60 * 1000;
const BATCH = 500;
const { ObjectId } = mongoose.mongo;
const WORDS =
  'write review call plan fix report invoice garden train contract kitchen budget meeting letter price'.split(' ');

type Role = 'user' | 'admin';

export interface BenchUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly createdAt: Date;
  /** TaskFlow's access token. */
  readonly token: string;
  /** The same holder, signed as most tutorials do. */
  readonly hmacToken: string;
  /** Newest first. */
  readonly taskIds: readonly string[];
}

/** People and their tasks, the same in every run. */
export interface World {
  readonly jwtKeys: string;
  /** Nothing of theirs changes before the mix, which comes last: their answers are known to the byte. */
  readonly users: readonly BenchUser[];
  /** Whoever writes. */
  readonly writers: readonly BenchUser[];
  /** Has as many tasks as the rows give them that want many. */
  readonly hoarder: BenchUser;
  readonly admin: BenchUser;
  /** One of the users; a few much more often than most. */
  someone(): BenchUser;
  /** From 0 to 1, reproducible. */
  random(): number;
}

export interface WorldSize {
  readonly users: number;
  readonly tasksEach: number;
}

const WRITERS = 50;

/** Fills the database behind the application's back; the indexes are there already. */
export async function makeWorld(mongoUri: string, jwtKeys: string, size: WorldSize): Promise<World> {
  const connection = await mongoose.createConnection(mongoUri).asPromise();
  try {
    const next = random(20_261_122);
    const passwordHash = await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    const tokens = tokenMaker(jwtKeys);
    const people: BenchUser[] = [];
    const documents: object[] = [];
    const person = async (role: Role, tasks: number): Promise<BenchUser> => {
      const _id = new ObjectId();
      const id = _id.toHexString();
      const createdAt = new Date(Date.now() - 200 * DAY_MS);
      const profile = { email: `person${people.length}@bench.example`, name: `Person ${people.length}` };
      documents.push(userDocument(_id, role, profile, passwordHash, createdAt));
      const taskIds = await insertTasks(connection, _id, tasks, next);
      const made = { id, ...profile, createdAt, ...tokens(id, role), taskIds };
      people.push(made);
      return made;
    };
    const several = async (count: number, tasks: number): Promise<BenchUser[]> => {
      const made: BenchUser[] = [];
      while (made.length < count) made.push(await person('user', tasks));
      return made;
    };
    const users = await several(size.users, size.tasksEach);
    const writers = await several(WRITERS, size.tasksEach);
    const hoarder = await person('user', 0);
    const admin = await person('admin', 0);
    await connection.collection('users').insertMany(documents);
    const rank = zipf(users.length, next);
    return { jwtKeys, users, writers, hoarder, admin, someone: () => users[rank()]!, random: next };
  } finally {
    await connection.close();
  }
}

export { generateJwtKey };

/**
 * Tasks whose stats do not change while they are measured: what is due is due in a year, what is done was done months ago.
 * @returns their ids, newest first
 */
export async function insertTasks(
  connection: mongoose.Connection,
  owner: Types.ObjectId,
  count: number,
  next: () => number,
): Promise<string[]> {
  const ids: string[] = [];
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => {
      const _id = new ObjectId();
      ids.unshift(_id.toHexString());
      const task = madeUpTask(_id.toHexString(), owner.toHexString(), count - done - i, next);
      return { _id, owner, createdAt: task.createdAt, ...storedFields(task), ...searchFieldsOf(task) };
    });
    await connection.collection('tasks').insertMany(batch);
  }
  return ids;
}

function madeUpTask(id: string, owner: string, age: number, next: () => number): Task {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const text = (words: number): string => Array.from({ length: words }, () => pick(WORDS)).join(' ');
  // A minute apart each, so that the order is total; all of them longer ago than any number of the stats looks.
  const now = new Date(Date.now() - 100 * DAY_MS - age * 60_000);
  const content = {
    title: text(4),
    description: next() < 0.6 ? text(20) : '',
    status: pick(STATUSES),
    priority: pick(PRIORITIES),
    dueAt: next() < 0.7 ? new Date(Date.now() + 365 * DAY_MS) : null,
    tags: [...new Set([pick(WORDS), pick(WORDS)])],
    reminders: [],
  };
  return createTask(id, owner, content, now).task;
}

const userDocument = (
  _id: Types.ObjectId,
  role: Role,
  profile: { email: string; name: string },
  passwordHash: string,
  createdAt: Date,
): object => ({
  _id,
  ...profile,
  emailKey: emailKey(profile.email),
  role,
  status: 'active',
  emailVerified: false,
  timeZone: 'UTC',
  locale: 'en',
  version: 1,
  passwordHash,
  terms: searchTerms(profile),
  createdAt,
  updatedAt: createdAt,
});

/** Longer than any run; a real one lives 15 minutes. */
function tokenMaker(jwtKeys: string): (userId: string, role: Role) => { token: string; hmacToken: string } {
  const [keyid, encoded] = jwtKeys.split(':') as [string, string];
  const privateKey = createPrivateKey({ key: Buffer.from(encoded, 'base64url'), format: 'der', type: 'pkcs8' });
  const jwt = new JwtService();
  return (subject, role) => ({
    token: jwt.sign(
      { sid: randomUUID(), role, ver: 1 },
      {
        privateKey,
        algorithm: 'ES256',
        keyid,
        header: { alg: 'ES256', typ: 'at+jwt' },
        issuer: 'taskflow',
        audience: 'taskflow-api',
        subject,
        jwtid: randomUUID(),
        expiresIn: '6h',
      },
    ),
    hmacToken: jwt.sign({ sub: subject, role }, { secret: HMAC_SECRET, expiresIn: '6h' }),
  });
}
