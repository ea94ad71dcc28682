// @ts-check
// Builds `dist/` when it is missing or not what `src/` is now; `--check` only says so, by its exit code.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { distIsCurrent, sourceHash, stampDist } from './source-hash.mjs';

if (!distIsCurrent()) {
  if (process.argv.includes('--check')) {
    console.error('dist/ is not built from the present src/: run `npm run build`.');
    process.exit(1);
  }
  console.log('Building dist/ …');
  const hash = sourceHash();
  const nest = join(import.meta.dirname, '..', 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  stampDist(hash);
}
