import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { requireCurrentDist } from '../support/dist.js';
import { ServerProcess, killServers } from './server-process.js';

interface Row {
  _id: string;
  n: number;
  filler: string;
}

/** What a document may be: what was acknowledged last or, while an answer is awaited, what was asked for. */
interface Known {
  acknowledged: number | undefined;
  asked: number | undefined;
}

const ROUNDS = 20;
const WRITERS = 12;
const KEYS = 25;
const JOURNAL = 'documents.journal';

let directory: string;
let random: number;

beforeAll(requireCurrentDist);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'crash-'));
  random = 42;
});
afterEach(async () => {
  await killServers();
  rmSync(directory, { recursive: true });
});

/** Numbers below `limit`, the same in every run. */
function next(limit: number): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (random >>> 8) % limit;
}

const connect = (uri: string): Promise<mongo.MongoClient> =>
  new mongo.MongoClient(uri, { serverSelectionTimeoutMS: 5_000, maxPoolSize: WRITERS }).connect();

/** Inserts, changes and removes its own documents until the server is gone. */
async function write(
  rows: mongo.Collection<Row>,
  writer: number,
  known: Map<string, Known>,
  acknowledged: () => void,
): Promise<void> {
  for (;;) {
    const _id = `${writer}-${next(KEYS)}`;
    const state = known.get(_id) ?? { acknowledged: undefined, asked: undefined };
    known.set(_id, state);
    const n = next(1_000_000);
    const remove = state.acknowledged !== undefined && next(5) === 0;
    state.asked = remove ? undefined : n;
    if (remove) await rows.deleteOne({ _id });
    else if (next(2) === 0)
      await rows.updateOne({ _id }, { $set: { n, filler: 'x'.repeat(next(60_000)) } }, { upsert: true });
    else await rows.findOneAndReplace({ _id }, { n, filler: '' }, { upsert: true });
    state.acknowledged = state.asked;
    acknowledged();
  }
}

/** Writes until the server is killed, once it has acknowledged so many; what the other writers asked for is under way. */
async function writeUntilKilled(server: ServerProcess, known: Map<string, Known>): Promise<void> {
  const client = await connect(server.uri!);
  const rows = client.db('app').collection<Row>('rows');
  await rows.createIndex({ n: 1 });
  let left = 50 + next(500);
  let death: Promise<unknown> | undefined;
  const acknowledged = (): void => {
    if (--left === 0) death = server.end('SIGKILL');
  };
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => write(rows, writer, known, acknowledged).catch(() => {})),
  );
  await death;
  await client.close();
}

/** Compares what is stored with what is known, and takes it for known. */
async function verify(server: ServerProcess, known: Map<string, Known>): Promise<void> {
  const client = await connect(server.uri!);
  const rows = client.db('app').collection<Row>('rows');
  const stored = new Map((await rows.find().toArray()).map(({ _id, n }) => [_id, n]));
  const byIndex = await rows.find({ n: { $gte: 0 } }, { hint: 'n_1' }).toArray();
  expect(new Set(byIndex.map(({ _id }) => _id))).toEqual(new Set(stored.keys()));
  for (const [_id, state] of known) {
    const n = stored.get(_id);
    if (n !== state.acknowledged) expect([_id, n]).toEqual([_id, state.asked]);
    state.acknowledged = state.asked = n;
  }
  expect([...stored.keys()].filter((_id) => !known.has(_id))).toEqual([]);
  await client.close();
}

describe('kill -9 during writes', () => {
  it(`loses nothing that was acknowledged, ${ROUNDS} times`, async () => {
    const known = new Map<string, Known>();
    let torn = 0;
    let size = 0;
    let compacted = false;
    for (let round = 0; round < ROUNDS; round++) {
      const server = await ServerProcess.start(directory);
      expect(server.warnings).toHaveLength(torn > 0 ? 1 : server.warnings.length);
      if (round > 0) await verify(server, known);
      await writeUntilKilled(server, known);
      const before = size;
      size = statSync(join(directory, JOURNAL)).size;
      compacted ||= size < before;
      // Every other time the disk has the beginning of a further record, as after a loss of power.
      torn = round % 2 === 0 ? 1 + next(200) : 0;
      if (torn > 0)
        appendFileSync(join(directory, JOURNAL), readFileSync(join(directory, JOURNAL)).subarray(32, 32 + torn));
    }
    const last = await ServerProcess.start(directory);
    await verify(last, known);
    await last.end('SIGTERM');
    expect([...known.values()].filter(({ acknowledged }) => acknowledged !== undefined).length).toBeGreaterThan(100);
    expect(compacted).toBe(true);
    expect(readdirSync(directory)).toEqual([JOURNAL]);
  });
});
