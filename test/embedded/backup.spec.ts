import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mongo } from 'mongoose';
import { requireCurrentDist } from '../support/dist.js';
import { ServerProcess, killServers } from './server-process.js';

const WRITERS = 8;
const KEYS = 40;
const ROUNDS = 6;

interface Row {
  _id: string;
  n: number;
  filler: string;
}

let root: string;
const clients: mongo.MongoClient[] = [];

beforeAll(requireCurrentDist);
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'backup-'))));
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await killServers();
  rmSync(root, { recursive: true });
});

/** The commands of the runbook's section, run as they stand there. */
function documented(): string {
  const runbook = readFileSync(join(__dirname, '../../docs/runbook.md'), 'utf8');
  const section = runbook.slice(runbook.indexOf('### Embedded mode: while it runs'));
  return /```sh\n([^`]+)```/.exec(section)![1]!;
}

const shell = (script: string, cwd: string): Promise<unknown> =>
  promisify(execFile)('sh', ['-eu', '-c', script], { cwd });

async function connect(uri: string): Promise<mongo.MongoClient> {
  const client = new mongo.MongoClient(uri, { maxPoolSize: WRITERS });
  clients.push(client);
  return client.connect();
}

/** Counts its own documents up until it is told to stop, and keeps what was acknowledged. */
async function write(rows: mongo.Collection<Row>, writer: number, seen: Map<string, number>, isOver: () => boolean) {
  for (let n = 1; !isOver(); n++) {
    const _id = `${writer}-${n % KEYS}`;
    // Large ones, so that the journal is compacted every so often.
    await rows.replaceOne({ _id }, { n, filler: 'x'.repeat((n * 7919) % 30_000) }, { upsert: true });
    seen.set(_id, n);
  }
}

describe('A copy of DATA_DIR, made while it is written', () => {
  it(`holds everything that was acknowledged before, ${ROUNDS} times, compactions included`, async () => {
    const server = await ServerProcess.start(join(root, '.data'));
    const client = await connect(server.uri!);
    const rows = client.db('app').collection<Row>('rows');
    await rows.createIndex({ n: 1 });
    await shell('echo {} > .data/secrets.json', root);
    const acknowledged = new Map<string, number>();
    let over = false;
    const writers = Array.from({ length: WRITERS }, (_, writer) => write(rows, writer, acknowledged, () => over));

    const copies: { before: Map<string, number>; path: string }[] = [];
    const sizes: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const from = Math.max(0, ...acknowledged.values());
        while (Math.max(0, ...acknowledged.values()) < from + 60) await new Promise(setImmediate);
        const before = new Map(acknowledged);
        await shell(`${documented()}\nmv backup copy-${round}`, root);
        copies.push({ before, path: join(root, `copy-${round}`) });
        sizes.push(statSync(join(root, '.data', 'documents.journal')).size);
      }
    } finally {
      over = true;
      await Promise.all(writers);
    }

    expect(sizes.some((size, i) => i > 0 && size < sizes[i - 1]!)).toBe(true);
    for (const { before, path } of copies) await expectCopy(path, before);
  });
});

/** It opens beside the original, and each document is what was acknowledged before the copy, or newer. */
async function expectCopy(path: string, before: ReadonlyMap<string, number>): Promise<void> {
  const restored = await ServerProcess.start(path);
  expect(restored.refusal).toBeUndefined();
  const client = await connect(restored.uri!);
  const rows = await client.db('app').collection<Row>('rows').find().toArray();
  const stored = new Map(rows.map(({ _id, n }) => [_id, n]));
  for (const [_id, n] of before) expect([_id, (stored.get(_id) ?? 0) >= n]).toEqual([_id, true]);
  await restored.end('SIGTERM');
  expect(statSync(join(path, 'secrets.json')).size).toBeGreaterThan(0);
}
