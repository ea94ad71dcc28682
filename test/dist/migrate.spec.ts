import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose, { type Connection } from 'mongoose';
import { MIGRATIONS } from '../../src/migrations/index.js';
import { startTestDatabase } from '../support/app.js';
import { requireCurrentDist } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const NAMES = MIGRATIONS.map(({ name }) => name);

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let connection: Connection;
let running: ChildProcess[];

beforeAll(requireCurrentDist);
beforeEach(async () => {
  running = [];
  database = await startTestDatabase();
  connection = await mongoose.createConnection(database.uri, { autoCreate: false, autoIndex: false }).asPromise();
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await connection.close();
  await database.close();
});

/** The program with this environment and no other, from a directory without a `.env`. */
function start(environment: Record<string, string>, ...args: string[]) {
  const program = join(__dirname, '..', '..', 'dist', 'migrate.js');
  const env = { PATH: process.env['PATH'], ...environment };
  const child = spawn(process.execPath, [program, ...args], { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const end = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { child, end, output: () => output };
}

const migrate = (...args: string[]): Promise<{ code: number | null; output: string }> =>
  start({ MONGODB_URI: database.uri }, ...args).end;

const indexesOf = async (collection: string): Promise<number> =>
  (await connection.db!.listCollections({ name: collection }).toArray()).length === 0
    ? 0
    : (await connection.collection(collection).indexes()).length;

describe('npm run migrate', () => {
  it('needs the address of the database and nothing else, and applies what is pending, once', async () => {
    const first = await migrate();
    expect(first).toEqual({ code: 0, output: expect.stringMatching(/^applied 0001-initial-indexes in \d+ ms\n/) });
    expect(await migrate()).toEqual({ code: 0, output: 'nothing to do\n' });
    const rows = await connection.collection('migrations').find().toArray();
    expect(rows.map(({ _id }) => String(_id))).toEqual(NAMES);
    expect(rows[0]).toMatchObject({ checksum: expect.stringMatching(/^[\da-f]{64}$/), at: expect.any(Date) });
    // Four of its own, and the one of `_id`.
    expect(await indexesOf('sessions')).toBe(5);
  });

  it('--status says what is pending and ends with 2, then what was applied when and ends with 0', async () => {
    const before = await migrate('--status');
    expect(before.code).toBe(2);
    expect(before.output).toContain('pending   0001-initial-indexes\n');
    expect(before.output).toContain('missing   users {"emailKey":1}\n');
    expect(await indexesOf('users')).toBe(0);
    await migrate();
    const after = await migrate('--status');
    expect(after.code).toBe(0);
    expect(after.output).toMatch(/^applied {3}0001-initial-indexes 20\d\d-\d\d-\d\dT[\d:.]+Z\n/);
    expect(after.output).not.toMatch(/missing|obsolete/);
  });

  it('--dry-run names each step and takes none', async () => {
    const { code, output } = await migrate('--dry-run');
    expect(code).toBe(0);
    expect(output).toContain('would apply 0001-initial-indexes\n  create indexes of users: [{"key":{"emailKey":1}');
    expect(await indexesOf('users')).toBe(0);
    expect(await connection.collection('migrations').countDocuments()).toBe(0);
  });

  it.each<[what: string, environment: Record<string, string>, args: string[], sentence: RegExp]>([
    ['without an address', {}, [], /^TaskFlow cannot migrate\.\nMONGODB_URI: required/],
    ['with an address of another kind', { MONGODB_URI: 'mysql://x' }, [], /\nMONGODB_URI: must begin with mongodb:/],
    ['with an option that it does not know', { MONGODB_URI: 'mongodb://x' }, ['--force'], /Unknown option '--force'/],
    [
      'when nobody answers there, without saying the password',
      { MONGODB_URI: 'mongodb://ada:secret-word@127.0.0.1:1/x?serverSelectionTimeoutMS=200' },
      [],
      /ECONNREFUSED/,
    ],
  ])('ends with 1 and one sentence %s', async (_what, environment, args, sentence) => {
    const { code, output } = await start(environment, ...args).end;
    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toMatch(/secret-word|\n\s+at /);
  });

  it('run by two at once is done by one of them', async () => {
    const both = await Promise.all([migrate(), migrate()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(
      both
        .map(({ output }) => output)
        .join('')
        .match(/applied 0001/g),
    ).toHaveLength(1);
  });

  it('killed in the middle is finished by the next one, which waits until the dead one’s lease is over', async () => {
    const { hostname, port } = new URL(database.uri);
    const proxy = await TcpProxy.to(hostname, Number(port));
    const slow = new URL(database.uri);
    slow.host = proxy.address;
    proxy.delay(250);
    const dying = start({ MONGODB_URI: slow.toString() });
    await eventually(async () => expect(await indexesOf('users')).toBeGreaterThan(1), 15_000);
    dying.child.kill('SIGKILL');
    await dying.end;
    await proxy.refuse();
    expect(await indexesOf('audit')).toBe(0);
    expect(await connection.collection('migrations').countDocuments()).toBe(0);
    expect(await connection.collection('leases').countDocuments({ _id: 'migrations' as never })).toBe(1);

    const next = await migrate();
    expect(next).toEqual({ code: 0, output: expect.stringMatching(/^waits: another process[^\n]+\napplied 0001/) });
    expect(await indexesOf('audit')).toBe(4);
    expect(await connection.collection('leases').countDocuments({ _id: 'migrations' as never })).toBe(0);
  });
});
