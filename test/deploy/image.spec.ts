import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import { temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { argumentsOf, buildImageTree, execForm, imageEnvironment, imageInstruction } from '../support/image.js';
import { freePort } from '../support/redis-server.js';
import { findSecrets } from '../support/secrets.js';

interface Lock {
  packages: Record<string, { dev?: boolean }>;
}

describe('the image', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let database: Awaited<ReturnType<typeof startTestDatabase>>;
  let app: string;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    directory = await temporaryDirectory();
    // The image's user is somebody else than the one who runs this.
    chmodSync(directory.path, 0o755);
    [app, database] = await Promise.all([buildImageTree(directory.path), startTestDatabase()]);
  }, 300_000);

  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await database?.close();
    await directory.remove();
    // Some ten thousand files.
  });

  /** Every file of the tree, relative to it. */
  const files = (): string[] =>
    readdirSync(app, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(app.length + 1));

  it('holds the program, its packages and nothing else', () => {
    expect(readdirSync(app).sort()).toEqual([
      'LICENSE',
      'dist',
      'healthcheck.mjs',
      'node_modules',
      'openapi.json',
      'package.json',
    ]);
    const own = files().filter((file) => !file.startsWith('node_modules/'));
    expect(own.filter((file) => /\.spec\.|\.ts$/.test(file))).toEqual([]);
  });

  it('holds no secret', async () => {
    // The packages are what the lock file says, by their checksums.
    const own = files().filter((file) => !file.startsWith('node_modules/'));
    const texts = own.map((name) => ({ name, content: readFileSync(join(app, name), 'utf8') }));
    expect(await findSecrets(texts)).toEqual([]);
  });

  it('holds no package that is only for development', () => {
    const lockAt = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Lock;
    const { packages } = lockAt(join(__dirname, '../../package-lock.json'));
    const installed = Object.keys(lockAt(join(app, 'node_modules/.package-lock.json')).packages);
    expect(installed.filter((path) => packages[path]?.dev)).toEqual([]);
    expect(installed.filter((path) => !(path in packages))).toEqual([]);
    expect(installed).toContain('node_modules/fastify');
    expect(existsSync(join(app, 'node_modules/typescript'))).toBe(false);
  });

  it('adds at most 140 MB to its base', () => {
    const bytes = files().reduce((sum, file) => sum + statSync(join(app, file)).size, 0);
    expect(bytes).toBeLessThan(140e6);
  });

  it('can be read by its user', () => {
    expect(files().filter((file) => (statSync(join(app, file)).mode & 0o004) === 0)).toEqual([]);
  });

  it('migrates, serves, tells its health, drains and ends, on file systems that it cannot write', async () => {
    const variables = {
      MONGODB_URI: database.uri,
      JWT_KEYS: generateJwtKey(),
      SECRET_KEY: 'kq3vX0p7hYB2mN8sD5wE1rT6uJ9cLzFa',
      PORT: String(await freePort()),
      DRAIN_SECONDS: '1',
    };
    const isHealthy = async (): Promise<boolean> => {
      const { code } = await run(execForm(imageInstruction('HEALTHCHECK')), variables);
      return code === 0;
    };
    expect(await isHealthy()).toBe(false);
    expect(await run(['node', 'dist/migrate.js'], variables)).toMatchObject({ code: 0 });

    const server = start(execForm(imageInstruction('CMD')), variables);
    const ended = once(server.child, 'exit');
    await eventually(
      async () => expect({ healthy: await isHealthy(), output: server.output() }).toMatchObject({ healthy: true }),
      20_000,
    );
    const http = request(`http://127.0.0.1:${variables.PORT}`);
    const account = { email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada' };
    const { body } = await http.post('/api/v1/auth/register').send(account).expect(201);
    const token = `Bearer ${body.accessToken}`;
    await http.post('/api/v1/tasks').set('Authorization', token).send({ title: 'served' }).expect(201);
    await http.get('/api/docs').expect(200);

    server.child.kill('SIGTERM');
    await eventually(async () => expect(await isHealthy()).toBe(false), 900);
    expect(await ended).toEqual([0, null]);
  });

  it('says in one sentence what is missing, when nothing is configured', async () => {
    const { code, output } = await run(execForm(imageInstruction('CMD')), {});
    expect(code).toBe(1);
    expect(output).toMatch(/^TaskFlow cannot start\.\nMONGODB_URI: required in production.*\n$/);
  });

  /** A command of the image in the image's `/app`, with the variables that the image sets. */
  function start(
    [program, ...rest]: string[],
    variables: Record<string, string>,
  ): { child: ChildProcess; output: () => string } {
    const command = asImageUser([program === 'node' ? process.execPath : program!, ...rest]);
    const child = spawn(command[0]!, command.slice(1), {
      cwd: app,
      env: { PATH: process.env['PATH'], ...imageEnvironment(), ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return { child, output: () => text };
  }

  async function run(
    command: string[],
    variables: Record<string, string>,
  ): Promise<{ code: number | null; output: string }> {
    const { child, output } = start(command, variables);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: output() };
  }

  /** Root on Linux can take writing away from a process altogether, and start it as somebody else. */
  function asImageUser(command: string[]): string[] {
    if (process.platform !== 'linux' || process.getuid!() !== 0) {
      // oxlint-disable-next-line no-console -- what was not checked must be seen
      console.warn('NOT CHECKED, for want of root on Linux: that the image writes to no file system.');
      return command;
    }
    const [uid, gid] = argumentsOf(imageInstruction('USER')).split(':');
    const readOnly =
      'mount --make-rprivate / && while read -r _ at _; do mount -o remount,bind,ro "$at" 2>/dev/null; done </proc/mounts; ' +
      '! touch "$0" 2>/dev/null && exec setpriv "$@"';
    const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    return ['unshare', '--mount', 'sh', '-c', readOnly, join(directory.path, 'written'), ...user, ...command];
  }
});
