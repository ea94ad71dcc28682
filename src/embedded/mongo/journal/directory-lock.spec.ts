import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryLock, DirectoryLocked } from './directory-lock.js';

let directory: string;

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'lock-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const claim = (pid: number, more: object = {}): string => {
  const path = join(directory, `lock-${pid}-0123456789abcdef.json`);
  writeFileSync(path, JSON.stringify({ pid, held: true, ...more }));
  return path;
};

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('DirectoryLock', () => {
  it('makes the directory, holds it, and says who holds it and where', async () => {
    const inside = join(directory, 'a', 'b');
    const lock = await DirectoryLock.acquire(inside);
    lock.announce('mongodb://127.0.0.1:1234/');
    const refusal = await DirectoryLock.acquire(inside).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DirectoryLocked);
    expect(refusal).toMatchObject({ pid: process.pid, uri: 'mongodb://127.0.0.1:1234/' });
    expect([statSync(inside).mode & 0o777, statSync(lock.path).mode & 0o777]).toEqual([0o700, 0o600]);
    lock.release();
    (await DirectoryLock.acquire(inside)).release();
    expect(readdirSync(inside)).toEqual([]);
  });

  it('takes over from a process that died', async () => {
    const stale = claim(await deadPid());
    (await DirectoryLock.acquire(directory)).release();
    expect(existsSync(stale)).toBe(false);
  });

  it('takes over from a dead process whose number another one has now', async () => {
    claim(process.pid, { started: '1' });
    (await DirectoryLock.acquire(directory)).release();
  });

  it('believes the name of a file that a crash left empty', async () => {
    writeFileSync(join(directory, `lock-${await deadPid()}-00.json`), '');
    (await DirectoryLock.acquire(directory)).release();
    writeFileSync(join(directory, `lock-${process.ppid}-00.json`), '');
    await expect(DirectoryLock.acquire(directory)).rejects.toMatchObject({ pid: process.ppid });
  });

  it('lets exactly one of many take over at once', async () => {
    claim(await deadPid());
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => DirectoryLock.acquire(directory)));
    const won = settled.filter((one) => one.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const one of settled) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(DirectoryLocked);
    won[0]!.value.release();
  });
});
