import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Binary, serialize } from 'bson';
import { mongo } from 'mongoose';
import { disk, type Files } from './journal/files.js';
import { MongoServer, type MongoServerOptions } from './server.js';

let server: MongoServer;
let client: mongo.MongoClient;
let db: mongo.Db;

async function start(options: MongoServerOptions = {}): Promise<void> {
  server = await MongoServer.open(options);
  client = await new mongo.MongoClient(server.uri, { serverSelectionTimeoutMS: 2_000 }).connect();
  db = client.db('app');
}

afterEach(async () => {
  await client.close();
  await server.close();
});

/** A bare connection, for what no driver would send. */
async function bare(): Promise<Socket> {
  const socket = connect(Number(new URL(server.uri).port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) =>
    socket
      .on('error', () => {})
      .on('close', () => resolve())
      .resume(),
  );

function message(sections: Buffer, opcode = 2013, flags = 0): Buffer {
  const frame = Buffer.alloc(20 + sections.length);
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(7, 4);
  frame.writeInt32LE(opcode, 12);
  frame.writeUInt32LE(flags, 16);
  sections.copy(frame, 20);
  return frame;
}

const body = (document: object): Buffer => Buffer.concat([Buffer.from([0]), serialize(document)]);

describe('bytes that make no sense', () => {
  const ping = body({ ping: 1, $db: 'app' });
  const damaged = Buffer.from(ping);
  damaged.writeInt32LE(3, 1);

  it.each<[name: string, bytes: Buffer]>([
    ['an HTTP request', Buffer.from('POST / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a length below the header', Buffer.from([4, 0, 0, 0, ...Buffer.alloc(16)])],
    ['a length above the limit', Buffer.from([0xff, 0xff, 0xff, 0x7f, ...Buffer.alloc(16)])],
    ['an unknown opcode', message(ping, 2012)],
    ['an unknown required flag', message(ping, 2013, 4)],
    ['no section', message(Buffer.alloc(1))],
    ['an unknown section', message(Buffer.from([9, ...ping.subarray(1)]))],
    ['a section that is longer than the message', message(Buffer.from([1, 0xff, 0, 0, 0, 0x61, 0]))],
    ['a document with a wrong length', message(damaged)],
    [
      'a document cut short',
      message(Buffer.concat([Buffer.from([0, 14, 0, 0, 0, 2, 0x61, 0, 0x7f, 0, 0, 0, 0x61, 0, 0])])),
    ],
    ['two bodies', message(Buffer.concat([ping, ping]))],
  ])('(%s) end their connection and no other', async (_name, bytes) => {
    await start();
    const socket = await bare();
    socket.write(bytes);
    await closed(socket);
    expect(await db.command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it('may come in any pieces', async () => {
    await start();
    const socket = await bare();
    const reply = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    for (const byte of message(ping)) socket.write(Buffer.from([byte]));
    expect((await reply).readInt32LE(8)).toBe(7);
    socket.destroy();
  });
});

describe('limits', () => {
  const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

  it('refuses documents that nest deeper than 100 levels, sent or made by updates', async () => {
    await start();
    const rows = db.collection<{ _id: number }>('rows');
    await rows.insertOne({ _id: 1, ...nested(95) });
    await expect(rows.insertOne({ _id: 2, ...nested(200) })).rejects.toMatchObject({ code: 15 });
    const path = Array.from({ length: 120 }, () => 'b').join('.');
    await expect(rows.updateOne({ _id: 1 }, { $set: { [path]: 1 } })).rejects.toMatchObject({ code: 15 });
    expect(await rows.countDocuments({})).toBe(1);
  });

  it('survives nesting that no parser does', async () => {
    await start();
    const levels = 400_000;
    let bytes = Buffer.alloc(5 + levels * 8);
    for (let i = 0; i <= levels; i++) {
      bytes.writeInt32LE(5 + (levels - i) * 8, i * 7);
      if (i < levels) bytes.write('\x03a\0', i * 7 + 4, 'latin1');
    }
    bytes = Buffer.concat([Buffer.from([0]), bytes]);
    const socket = await bare();
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write(message(bytes));
    await Promise.race([answered, closed(socket)]);
    socket.destroy();
    expect(await db.command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it('refuses documents above 16 MiB, made by updates too, and keeps the old one', async () => {
    await start();
    const rows = db.collection<{ _id: number; parts?: unknown[] }>('rows');
    await rows.insertOne({ _id: 1, parts: [new Binary(Buffer.alloc(9 * 2 ** 20))] });
    const part = new Binary(Buffer.alloc(8 * 2 ** 20));
    await expect(rows.updateOne({ _id: 1 }, { $push: { parts: part } })).rejects.toMatchObject({ code: 10334 });
    expect((await rows.findOne({ _id: 1 }))?.parts).toHaveLength(1);
  });
});

describe('what is not supported', () => {
  it.each<[name: string, command: mongo.Document, code: number]>([
    ['an unknown command', { foo: 1 }, 59],
    ['an unknown field', { find: 'rows', foo: 1 }, 40415],
    ['a collation', { find: 'rows', collation: { locale: 'de' } }, 115],
    ['variables', { find: 'rows', let: { a: 1 } }, 115],
    [
      'a collation of a statement',
      { update: 'rows', updates: [{ q: {}, u: { $set: { a: 1 } }, collation: { locale: 'de' } }] },
      115,
    ],
    ['a capped collection', { create: 'rows', capped: true, size: 100 }, 115],
    [
      'a transaction',
      { insert: 'rows', documents: [{}], txnNumber: 1n, startTransaction: true, autocommit: false },
      20,
    ],
    ['a snapshot', { find: 'rows', readConcern: { level: 'snapshot' } }, 123],
    ['two copies', { insert: 'rows', documents: [{}], writeConcern: { w: 2 } }, 2],
    ['an index of another kind', { createIndexes: 'rows', indexes: [{ key: { a: '2dsphere' }, name: 'a' }] }, 115],
    ['a hidden index', { createIndexes: 'rows', indexes: [{ key: { a: 1 }, name: 'a', hidden: true }] }, 115],
    [
      'a text index with stemming',
      { createIndexes: 'rows', indexes: [{ key: { a: 'text' }, name: 'a', default_language: 'english' }] },
      115,
    ],
  ])('(%s) is refused', async (_name, command, code) => {
    await start();
    await expect(db.command(command)).rejects.toMatchObject({ code });
    expect(await db.listCollections().toArray()).toEqual([]);
  });

  it('is refused no more where the option changes nothing', async () => {
    await start();
    expect(await db.command({ find: 'rows', collation: { locale: 'simple' }, let: {} })).toMatchObject({ ok: 1 });
  });
});

describe('TTL indexes', () => {
  it('remove what expired by the clock, in one sweep, also by the first date of an array, and nothing else', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    await start({ now: () => now, ttlIntervalMs: 10 });
    const rows = db.collection<{ _id: number; at?: unknown; keep?: boolean }>('rows');
    await rows.createIndex({ at: 1 }, { expireAfterSeconds: 60, partialFilterExpression: { keep: false } });
    const minutes = (n: number): Date => new Date(Date.UTC(2026, 0, 1, 0, n));
    await rows.insertMany([
      { _id: 1, keep: false, at: minutes(0) },
      { _id: 2, keep: false, at: minutes(5) },
      { _id: 3, keep: false, at: [minutes(9), minutes(1)] },
      { _id: 4, keep: false, at: 'no date' },
      { _id: 5, keep: false, at: null },
      { _id: 6, keep: true, at: minutes(0) },
      { _id: 7, keep: false, at: 1 },
    ]);
    now = minutes(2);
    const ids = async (): Promise<number[]> => (await rows.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
    while (server.counters().expired < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ids()).toEqual([2, 4, 5, 6, 7]);
    expect(server.counters().expired).toBe(2);
  });
});

describe('cursors', () => {
  it('end with their session, and with their connection where they have none', async () => {
    await start();
    await db.collection('rows').insertMany(Array.from({ length: 300 }, (_, n) => ({ n })));
    const open = async (): Promise<number> =>
      (await db.command({ serverStatus: 1 }))['metrics'].cursor.open.total as number;
    const session = client.startSession();
    await db.collection('rows').find({}, { session }).next();
    expect(await open()).toBe(1);
    await session.endSession();
    await client.db('admin').command({ endSessions: [session.id] });
    expect(await open()).toBe(0);

    const socket = await bare();
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write(message(body({ find: 'rows', $db: 'app' })));
    await answered;
    expect(await open()).toBe(1);
    socket.destroy();
    while ((await open()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('a collection that is dropped', () => {
  it('ends its cursors with QueryPlanKilled', async () => {
    await start();
    await db.collection('rows').insertMany(Array.from({ length: 300 }, (_, n) => ({ n })));
    const cursor = db.collection('rows').find();
    await cursor.next();
    await db.collection('rows').drop();
    await expect(cursor.toArray()).rejects.toMatchObject({ code: 175 });
  });
});

describe('explain and the counters', () => {
  it('tell the stages, the keys and the documents of a query', async () => {
    await start();
    const rows = db.collection('rows');
    await rows.createIndex({ owner: 1, n: -1 });
    await rows.insertMany(Array.from({ length: 500 }, (_, n) => ({ owner: n % 5, n })));
    const query = rows.find({ owner: 3 }).sort({ n: -1 }).limit(10);
    const plan = await query.explain('executionStats');
    expect(plan).toMatchObject({
      queryPlanner: {
        winningPlan: {
          stage: 'LIMIT',
          inputStage: { stage: 'FETCH', inputStage: { stage: 'IXSCAN', indexName: 'owner_1_n_-1' } },
        },
      },
      executionStats: { nReturned: 10, totalKeysExamined: 10, totalDocsExamined: 10 },
    });
    const before = server.counters();
    expect(await rows.find({ owner: 3 }).sort({ n: -1 }).limit(10).toArray()).toHaveLength(10);
    const after = server.counters();
    expect([after.keysExamined - before.keysExamined, after.docsExamined - before.docsExamined]).toEqual([10, 10]);
    const { metrics } = await db.command({ serverStatus: 1 });
    expect(metrics.queryExecutor).toEqual({ scanned: after.keysExamined, scannedObjects: after.docsExamined });
    const aggregation = await rows.aggregate([{ $match: { owner: 1 } }, { $group: { _id: '$n' } }]).explain();
    expect(aggregation['stages'][0].$cursor.queryPlanner.winningPlan.inputStage.stage).toBe('IXSCAN');
    expect((await rows.find({ other: 1 }).explain()).queryPlanner.winningPlan.stage).toBe('COLLSCAN');
  });
});

describe('a disk that is full', () => {
  it('fails each write with OutOfDiskSpace, shows none of it, and serves again when there is room', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'server-'));
    let full = false;
    const refuse = (): void => {
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    const files: Files = {
      ...disk,
      open: async (path, create) => {
        const file = await disk.open(path, create);
        const write = async (bytes: Buffer, position: number): Promise<void> => (refuse(), file.write(bytes, position));
        return {
          write,
          sync: () => file.sync(),
          truncate: (length) => file.truncate(length),
          close: () => file.close(),
        };
      },
    };
    await start({ directory, files });
    const rows = db.collection<{ _id: number; n: number }>('rows');
    await rows.insertOne({ _id: 1, n: 1 });
    full = true;
    const failed = { code: 14031, codeName: 'OutOfDiskSpace' };
    await expect(rows.insertOne({ _id: 2, n: 2 })).rejects.toMatchObject(failed);
    await expect(rows.updateOne({ _id: 1 }, { $inc: { n: 1 } })).rejects.toMatchObject(failed);
    await expect(rows.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } })).rejects.toMatchObject(failed);
    await expect(rows.deleteOne({ _id: 1 })).rejects.toMatchObject(failed);
    await expect(rows.createIndex({ n: 1 })).rejects.toMatchObject(failed);
    expect(await rows.find().toArray()).toEqual([{ _id: 1, n: 1 }]);
    full = false;
    await rows.insertOne({ _id: 3, n: 3 });
    await client.close();
    await server.close();
    await start({ directory });
    expect(await db.collection('rows').find().toArray()).toEqual([
      { _id: 1, n: 1 },
      { _id: 3, n: 3 },
    ]);
    rmSync(directory, { recursive: true });
  });
});
