// Times of the embedded document server in its worker thread, over the wire, with its journal on disk:
//   npm run build && node tools/bench-embedded.mjs [directory]
// The directory (default: a temporary one) decides which disk is measured; it is removed afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import mongoose from 'mongoose';
import { startMongoWorker } from '../dist/embedded/mongo/index.js';

const DOCUMENTS = 10_000;
const TASKS = 100_000;
const OWNERS = 50;
const PAGES = 1_000;
const AT_ONCE = 16;

const { ObjectId } = mongoose.mongo;
const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'taskflow-bench-'));
const rows = [];

/** Runs `work(0…count-1)`, `atOnce` at a time, and notes how long it took. */
async function measure(name, count, atOnce, work) {
  let next = 0;
  const times = [];
  const lane = async () => {
    for (let i = next++; i < count; i = next++) {
      const start = performance.now();
      await work(i);
      times.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(2);
  rows.push([
    name,
    String(atOnce),
    seconds.toFixed(2),
    Math.round(count / seconds).toLocaleString('en'),
    at(0.5),
    at(0.99),
  ]);
}

const words = 'buy milk call home write report plan trip fix door pay bill read book water plants'.split(' ');
const text = (i, count) => Array.from({ length: count }, (_, n) => words[(i * 7 + n * 3) % words.length]).join(' ');
const owners = Array.from({ length: OWNERS }, () => new ObjectId());
const task = (i) => ({
  _id: new ObjectId(),
  owner: owners[i % OWNERS],
  place: 'live',
  title: text(i, 4),
  description: text(i, 30),
  status: ['todo', 'in_progress', 'done'][i % 3],
  priority: i % 4,
  tags: [words[i % words.length]],
  createdAt: new Date(1.7e12 + i * 1000),
  updatedAt: new Date(1.7e12 + i * 1000),
  version: 1,
});

function print() {
  const table = [['what', 'at once', 'seconds', 'per second', 'median ms', 'p99 ms'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  console.log(
    [line(table[0]), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...table.slice(1).map(line)].join(
      '\n',
    ),
  );
}

async function run(uri) {
  const client = await new mongoose.mongo.MongoClient(uri).connect();
  const plain = client.db('bench').collection('plain');
  const tasks = client.db('bench').collection('tasks');
  const ids = Array.from({ length: DOCUMENTS }, () => new ObjectId());

  await measure('10,000 inserts, one by one', DOCUMENTS, 1, (i) => plain.insertOne({ ...task(i), _id: ids[i] }));
  await plain.deleteMany({});
  await measure('10,000 inserts', DOCUMENTS, AT_ONCE, (i) => plain.insertOne({ ...task(i), _id: ids[i] }));
  await measure('10,000 finds by id, one by one', DOCUMENTS, 1, (i) => plain.findOne({ _id: ids[i] }));
  await measure('10,000 finds by id', DOCUMENTS, AT_ONCE, (i) => plain.findOne({ _id: ids[i] }));

  await tasks.createIndex({ owner: 1, place: 1, createdAt: -1 });
  await measure('100,000 tasks in bulks of 1,000', TASKS / 1000, 1, (bulk) =>
    tasks.insertMany(Array.from({ length: 1000 }, (_, i) => task(bulk * 1000 + i))),
  );
  const page = (i) => ({
    owner: owners[i % OWNERS],
    place: 'live',
    createdAt: { $lt: new Date(1.7e12 + (TASKS - ((i * 97) % TASKS)) * 1000) },
  });
  const pages = (i) => tasks.find(page(i)).sort({ createdAt: -1 }).limit(20).toArray();
  await measure('1,000 pages of 20 out of 100,000, one by one', PAGES, 1, pages);
  await measure('1,000 pages of 20 out of 100,000', PAGES, AT_ONCE, pages);
  await client.close();
}

const megabytes = () => `${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`;
let server = await startMongoWorker({ directory, warn: console.error });
try {
  await run(server.uri);
  const resident = megabytes();
  await server.close();
  const start = performance.now();
  server = await startMongoWorker({ directory, warn: console.error });
  const restart = `${((performance.now() - start) / 1000).toFixed(2)} s`;
  print();
  console.log(
    `\nNode ${process.version}; resident at the end ${resident}; started again from its journal in ${restart}.`,
  );
} finally {
  await server.close();
  rmSync(directory, { recursive: true });
}
