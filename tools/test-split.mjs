// @ts-check
// The API suite on four applications, one for each module, behind nginx: `npm run test:split [-- <paths>]`. They share
// the Redis that is started here.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

for (const [program, version] of [
  ['redis-server', '--version'],
  ['nginx', '-v'],
]) {
  if (spawnSync(program, [version], { stdio: 'ignore' }).status === 0) continue;
  console.error(`npm run test:split needs ${program} on the PATH: apt-get install ${program}`);
  process.exit(1);
}

/** What is about one process and not about the API: its connections, logs, metrics, probes, queries and migrations. */
const LEFT_OUT = [
  'data-routing',
  'logs',
  'metrics',
  'migrations',
  'modules',
  'operations',
  'outage',
  'transport',
].flatMap((name) => ['--testPathIgnorePatterns', `test/api/${name}.spec.ts`]);

const port = await freePort();
const directory = mkdtempSync(join(tmpdir(), 'taskflow-split-'));
const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', directory], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
redis.stdout.on('data', () => undefined);
try {
  const paths = process.argv.length > 2 ? process.argv.slice(2) : ['test/api', ...LEFT_OUT];
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const run = spawn(process.execPath, [...jest, ...paths], {
    stdio: 'inherit',
    env: { ...process.env, TEST_SPLIT: `redis://127.0.0.1:${port}` },
  });
  // One that a signal ended has no code.
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
} finally {
  redis.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}

/** @returns {Promise<string>} one that nobody listens on */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  return String(free);
}
