// What metrics, logs and traces cost: CPU time of the process per request, against the same program with all of it off.
//   npm run build && node tools/bench-observability.mjs [rounds]
// The programs run side by side, in production mode on one database, and are loaded in turn (A B C, C B A, …), so that
// what else the machine does hits all of them alike. Linux only: the CPU time is read from /proc.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateJwtKey } from '../dist/config/keys.js';
import { MongoServer } from '../dist/embedded/mongo/index.js';

const ROUNDS = Number(process.argv[2] ?? 10);
const REQUESTS = 4000;
/** Rounds, until everything is compiled. */
const WARM_UP = 3;
const AT_ONCE = 16;

const collector = createServer((incoming, answer) => incoming.resume().on('end', () => answer.end('{}')));
await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
const off = { METRICS: 'false', LOG_LEVEL: 'silent' };
const on = { LOG_LEVEL: 'info', METRICS_TOKEN: 'Xw7-q2Lr_Tz9-mK4v' };
const traced = { ...on, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}` };
const VARIANTS = {
  off,
  'off, again': off,
  metrics: { ...on, LOG_LEVEL: 'silent' },
  'metrics and logs': on,
  'with 10 % traces': traced,
};

const database = await MongoServer.open({});
const keys = generateJwtKey();
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function start(environment) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'dist', 'main.js')], {
    cwd: tmpdir(),
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      MIGRATE_AT_START: 'true',
      MONGODB_URI: database.uri,
      JWT_KEYS: keys,
      SECRET_KEY: 'Zq8#vN2!kLm5$xR9@wT4&yB7*cF1^hJ6',
      HOST: '127.0.0.1',
      PORT: '0',
      RATE_LIMIT_PER_MINUTE: '1000000',
      LOG_FORMAT: 'json',
      ...environment,
    },
    // A pipe that is read, as a container's is.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    let printed = '';
    child.on('exit', (code) => reject(new Error(`ended with ${code}:\n${printed}`)));
    child.stdout.on('data', (chunk) => {
      if (printed.length > 10_000) return;
      printed += chunk;
      const url = /API\s+(http:\S+)\/api\/v1/.exec(printed)?.[1];
      if (url) resolve({ child, url: url.replace('localhost', '127.0.0.1') });
    });
  });
}

function send(url, { method = 'GET', token, body } = {}) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    };
    const sent = request(url, { method, agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => {
        if (answer.statusCode >= 400) reject(new Error(`${method} ${url}: ${answer.statusCode} ${text}`));
        else resolve(JSON.parse(text));
      });
    });
    sent.on('error', reject);
    sent.end(body ? JSON.stringify(body) : undefined);
  });
}

/** Of all threads, to the nanosecond; what the rest of the machine does is not in it. */
function cpuMicroseconds({ pid }) {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) =>
    readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8'),
  );
  return threads.reduce((sum, text) => sum + Number(text.split(' ', 1)[0]), 0) / 1000;
}

/** CPU microseconds of the program for one request. */
async function load({ child, url }, path, token) {
  const before = cpuMicroseconds(child);
  let left = REQUESTS;
  const lane = async () => {
    while (left-- > 0) await send(`${url}${path}`, { token });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return (cpuMicroseconds(child) - before) / REQUESTS;
}

async function measure(programs, what, path, token) {
  const names = Object.keys(programs);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) for (let n = 0; n < WARM_UP; n++) await load(programs[name], path, token);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 ? names.toReversed() : names) {
      results[name].push(await load(programs[name], path, token));
    }
  }
  // The cheapest round of each: whatever else the machine does can only add to it.
  const cost = (name) => Math.min(...results[name]);
  for (const name of names) {
    const percent = ((cost(name) / cost('off') - 1) * 100).toFixed(1);
    console.log(`| ${what} | ${name} | ${cost(name).toFixed(0)} | ${percent} % |`);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const programs = {};
try {
  for (const [name, environment] of Object.entries(VARIANTS)) programs[name] = await start(environment);
  const { url } = programs.off;
  const account = { email: 'bench@example.org', password: 'a long enough passphrase', name: 'Bench' };
  const { accessToken: token } = await send(`${url}/api/v1/auth/register`, { method: 'POST', body: account });
  const { id } = await send(`${url}/api/v1/tasks`, { method: 'POST', token, body: { title: 'measure' } });
  console.log('| request | observed by | CPU µs | against off |\n| --- | --- | --- | --- |');
  await measure(programs, 'cached statistics', '/api/v1/tasks/stats', token);
  await measure(programs, 'one task, from MongoDB', `/api/v1/tasks/${id}`, token);
  console.log(
    `\nNode ${process.version}, ${ROUNDS} rounds of ${REQUESTS} requests, ${AT_ONCE} at a time; the cheapest of each.`,
  );
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();
