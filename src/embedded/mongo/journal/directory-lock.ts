import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Another process that lives uses the directory. */
export class DirectoryLocked extends Error {
  /** A person can act on the message; a stack would not help. */
  readonly expected = true;

  constructor(
    readonly directory: string,
    readonly pid: number,
    /** Where that process serves the data, when it already does. */
    readonly uri?: string,
  ) {
    super(`${directory} is in use by process ${pid}${uri === undefined ? '' : ` at ${uri}`}`);
    this.name = 'DirectoryLocked';
  }
}

interface Claim {
  readonly pid: number;
  /** Tells a process from a later one with its number; absent where the system does not say. */
  readonly started?: string;
  readonly held: boolean;
  readonly uri?: string;
}

const PREFIX = 'lock-';
const DRAFT = '.draft';
const ATTEMPTS = 20;

/**
 * One owner of a directory at a time. Each process announces itself by a file of its own, whose name is never used
 * again, and then looks for others: of two at once at least one sees the other and steps back, and the file
 * of a dead process can be removed without a risk of removing a living one's.
 */
export class DirectoryLock {
  readonly path: string;

  private constructor(private readonly directory: string) {
    this.path = join(directory, `${PREFIX}${process.pid}-${randomBytes(8).toString('hex')}.json`);
  }

  /** @throws DirectoryLocked */
  static async acquire(directory: string): Promise<DirectoryLock> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = new DirectoryLock(directory);
    for (let attempt = 1; ; attempt++) {
      lock.write({ held: false });
      const other = lock.livingOther();
      if (!other) break;
      lock.release();
      // Two that came at the same moment both step back; they try again at different times.
      if (other.held || attempt === ATTEMPTS) throw new DirectoryLocked(directory, other.pid, other.uri);
      await delay(5 + Math.random() * 40);
    }
    lock.write({ held: true });
    return lock;
  }

  /** Tells where the data is served. */
  announce(uri: string): void {
    this.write({ held: true, uri });
  }

  release(): void {
    rmSync(this.path, { force: true });
  }

  private write(claim: { held: boolean; uri?: string }): void {
    const content: Claim = { pid: process.pid, started: statOf(process.pid)[1], ...claim };
    const draft = this.path + DRAFT;
    writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
    renameSync(draft, this.path);
  }

  private livingOther(): Claim | undefined {
    for (const name of readdirSync(this.directory)) {
      const path = join(this.directory, name);
      if (!name.startsWith(PREFIX) || path.startsWith(this.path)) continue;
      const claim = readClaim(path, name);
      if (!claim) continue;
      if (!isAlive(claim)) rmSync(path, { force: true });
      else if (!name.endsWith(DRAFT)) return claim;
    }
    return undefined;
  }
}

/** What a file says; where it cannot be read, its name says enough. `undefined` if it just went. */
function readClaim(path: string, name: string): Claim | undefined {
  const pid = Number(name.slice(PREFIX.length).split('-')[0]);
  try {
    return { ...(JSON.parse(readFileSync(path, 'utf8')) as Claim), pid };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { pid, held: true };
  }
}

function isAlive({ pid, started }: Claim): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const [state, now] = statOf(pid);
  if (state === 'Z') return false;
  return started === undefined || now === undefined || started === now;
}

/** Of a process on Linux (proc(5)): its state, and when it started in clock ticks from boot. */
function statOf(pid: number): [state?: string, started?: string] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [fields[0], fields[19]];
  } catch {
    return [];
  }
}
