import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';

const ROOT = join(__dirname, '..', '..');
const PASSWORD = 'correct horse battery';

describe('npm run seed', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: TaskFlowProcess | undefined;
  beforeAll(requireCurrentDist);
  beforeEach(async () => {
    directory = await temporaryDirectory();
    server = undefined;
  });
  afterEach(async () => {
    await server?.end('SIGKILL');
    await directory.remove();
  });

  const seed = (args: string[], environment: Record<string, string> = {}) =>
    spawnSync(process.execPath, [join(ROOT, 'tools/seed.mjs'), ...args], {
      // Not the project's root: a developer's .env must not decide what is tested.
      cwd: directory.path,
      env: { PATH: process.env['PATH'], DATA_DIR: directory.path, ...environment },
      encoding: 'utf8',
    });

  const ADMIN = { BOOTSTRAP_ADMIN_EMAIL: 'boss@example.org', BOOTSTRAP_ADMIN_PASSWORD: 'a horse of another battery' };
  const start = async (): Promise<TaskFlowProcess> =>
    (server = await startProcess({ DATA_DIR: directory.path, ...ADMIN }));

  const signIn = async (email: string, password: string): Promise<string> => {
    const { body } = await server!.http.post('/api/v1/auth/login').send({ email, password }).expect(200);
    return `Bearer ${body.accessToken}`;
  };
  const stats = async (path: string, token: string) =>
    (await server!.http.get(`/api/v1/${path}`).set('authorization', token).expect(200)).body;
  const adminStats = async () => stats('admin/stats', await signIn('boss@example.org', 'a horse of another battery'));

  it('makes the users and tasks that were asked for, with a past, and says how to sign in', async () => {
    const { status, stdout, stderr } = seed(['--users', '3', '--tasks', '230', '--seed', '7']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) });
    expect(stdout).toContain('3 users made; 230 tasks added');
    expect(stdout).toContain(`user1@seed.example with the password: ${PASSWORD}`);
    await start();
    const all = await adminStats();
    expect(all.users).toMatchObject({ total: 4, active: 4 });
    expect(all.tasks.total).toBe(230);
    for (const status of ['todo', 'in_progress', 'done', 'cancelled']) {
      expect(all.tasks.byStatus[status]).toBeGreaterThan(0);
    }
    const created = all.tasks.createdPerDay.map(({ count }: { count: number }) => count);
    expect(created.filter((count: number) => count > 0).length).toBeGreaterThan(7);
    const own = await Promise.all(
      [1, 2, 3].map(async (n) => (await stats('tasks/stats', await signIn(`user${n}@seed.example`, PASSWORD))).total),
    );
    expect(Math.min(...own)).toBeGreaterThan(0);
    expect(own.reduce((sum, total) => sum + total, 0)).toBe(230);
  });

  it('adds to the same users when it runs again, also beside a server that runs', async () => {
    expect(seed(['--users', '2', '--tasks', '10']).status).toBe(0);
    await start();
    const { status, stdout } = seed(['--users', '3', '--tasks', '20']);
    expect(status).toBe(0);
    expect(stdout).toContain('1 users made, 2 were there already; 20 tasks added, in the running server');
    const all = await adminStats();
    expect(all.users.total).toBe(4);
    expect(all.tasks.total).toBe(30);
  });

  it('makes the same tasks from the same --seed', async () => {
    const titles = async (): Promise<string[]> => {
      await start();
      const token = await signIn('user1@seed.example', PASSWORD);
      const { items } = await stats('tasks?sort=createdAt&limit=100', token);
      await server!.end('SIGTERM');
      return items.map(({ title }: { title: string }) => title);
    };
    seed(['--users', '1', '--tasks', '25', '--seed', '42']);
    const first = await titles();
    seed(['--users', '1', '--tasks', '25', '--seed', '42']);
    const both = await titles();
    expect(both).toHaveLength(50);
    expect(both.sort()).toEqual([...first, ...first].sort());
  });

  it.each([
    [['--users', '0'], '--users must be a whole number from 1 to 10000'],
    [['--tasks', 'many'], '--tasks must be a whole number from 0 to 1000000'],
    [['--tasks=-5'], '--tasks must be a whole number from 0 to 1000000'],
    [['--people', '3'], "Unknown option '--people'"],
    [['20'], "Unexpected argument '20'"],
  ])('refuses %j with one sentence', (args, sentence) => {
    const { status, stdout, stderr } = seed(args);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(sentence)]);
  });

  it('refuses production, where a known password would be an open door', () => {
    const { status, stderr } = seed([], { NODE_ENV: 'production', ALLOW_EMBEDDED: 'true' });
    expect(status).toBe(1);
    expect(stderr).toContain('not in production');
  });
});
