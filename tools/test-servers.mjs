// @ts-check
// The tests on real servers: `npm run test:server [-- <paths>]`. A server that is missing is one clear sentence and a
// failure, never a skipped test.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const ALL = ['test/api', 'test/contract', 'test/server'];

const given = process.argv.slice(2);
const paths = given.length > 0 ? given : ALL;

/** The programs that `test/server` starts, each with what asks for its version. */
const PROGRAMS = { 'redis-server': '--version', nginx: '-v', prometheus: '--version' };
/** Asked for its version it would start; `test/support/rabbitmq.ts` finds it there, too. */
const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

const startsServers = (/** @type {string} */ path) => path.startsWith('test/server');

if (paths.some(startsServers)) {
  const missing = Object.entries(PROGRAMS)
    .filter(([program, version]) => spawnSync(program, [version], { stdio: 'ignore' }).status !== 0)
    .map(([program]) => program)
    .concat(existsSync(RABBITMQ) ? [] : ['rabbitmq-server'])
    .join(' ');
  if (missing) fail(`npm run test:server needs these: apt-get install ${missing}`);
}
// These suites are not about MongoDB: without one they take the embedded document server.
if (!paths.every(startsServers) && !process.env.MONGODB_URI) {
  fail('npm run test:server needs MONGODB_URI, the address of a MongoDB server to test against.');
}
const { status } = spawnSync(
  process.execPath,
  ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', ...paths],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
