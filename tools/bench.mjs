// @ts-check
// npm run bench: builds TaskFlow, and the benchmark with what only it needs, and runs it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bench = join(root, 'bench');

run(process.execPath, ['tools/build.mjs']);
if (!existsSync(join(bench, 'node_modules'))) run('npm', ['ci', '--prefix', bench, '--no-audit', '--no-fund']);
run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', bench]);
run(process.execPath, [join(bench, 'dist/bench/run.js'), ...process.argv.slice(2)]);

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
