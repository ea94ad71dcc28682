import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/environment.js';
import { SHUTDOWN_AFTER_DRAIN_MS } from '../../src/shutdown.js';
import { temporaryDirectory } from '../support/dist.js';

const UNIT = join(__dirname, '../../deploy/systemd/taskflow@.service');
const unit = readFileSync(UNIT, 'utf8');
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!;

describe('deploy/systemd', () => {
  const variables = setting('Environment').replace('%i', '3001').split(' ');
  const environment = Object.fromEntries(variables.map((variable) => variable.split('=', 2) as [string, string]));

  it('sets variables to values that the program takes', () => {
    expect(readEnvironment(environment)).toMatchObject({ environment: { PORT: 3001 }, problems: [] });
    expect(Object.keys(environment)).toEqual(['NODE_ENV', 'HOST', 'PORT', 'DRAIN_SECONDS']);
  });

  it('gives a process longer to end than it can take', () => {
    const longest = Number(environment['DRAIN_SECONDS']) + SHUTDOWN_AFTER_DRAIN_MS / 1000;
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(longest);
  });

  it('is understood by systemd, and leaves the process little to break', async () => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
      // oxlint-disable-next-line no-console -- what is not checked has to be said
      return console.warn('systemd-analyze is not here: whether systemd understands the unit was NOT checked.');
    }
    const directory = await temporaryDirectory();
    const instance = join(directory.path, 'taskflow@3001.service');
    copyFileSync(UNIT, instance);
    const analyze = (...args: string[]) => spawnSync('systemd-analyze', [...args, instance], { encoding: 'utf8' });
    // Node is wherever it was installed; everything else has to be right.
    expect(
      analyze('verify')
        .stderr.replace(/^.*Command \/usr\/bin\/node is not executable.*$/m, '')
        .trim(),
    ).toBe('');
    expect(analyze('security', '--offline=yes', '--threshold=30')).toMatchObject({ status: 0 });
    await directory.remove();
  });
});
