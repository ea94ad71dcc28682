import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failedStart, processesOfEachTest, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';

const account = { email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada' };

const signUp = async ({ http }: TaskFlowProcess, email = account.email): Promise<string> => {
  const { body } = await http
    .post('/api/v1/auth/register')
    .send({ ...account, email })
    .expect(201);
  return `Bearer ${body.accessToken}`;
};

describe('npm start', () => {
  const { start, directory } = processesOfEachTest();

  it('prints where the API and the docs are, and how to make an admin', async () => {
    const server = await start();
    await server.http.get('/api/health/ready').expect(200);
    expect(server.output()).toMatch(/API\s+http:\/\/localhost:\d+\/api\/v1/);
    expect(server.output()).toMatch(/Docs\s+http:\/\/localhost:\d+\/api\/docs/);
    expect(server.output()).toContain('BOOTSTRAP_ADMIN_EMAIL');
    const { text } = await server.http.get('/api/docs').expect(200);
    expect(text).toContain('swagger-ui');
  });

  it('keeps data, sessions and revocations across a restart', async () => {
    const first = await start();
    const token = await signUp(first);
    const { body: created } = await first.http
      .post('/api/v1/tasks')
      .set('Authorization', token)
      .send({ title: 'kept' })
      .expect(201);
    const ended = await signUp(first, 'grace@example.org');
    await first.http.post('/api/v1/auth/logout').set('Authorization', ended).expect(204);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const second = await start();
    const { body } = await second.http.get(`/api/v1/tasks/${created.id}`).set('Authorization', token).expect(200);
    expect(body).toEqual(created);
    const refused = await second.http.get('/api/v1/tasks').set('Authorization', ended).expect(401);
    expect(refused.body.code).toBe('auth.token_invalid');
  });

  it('keeps its secrets readable by the owner only', async () => {
    await start();
    const { mode } = statSync(join(directory(), 'secrets.json'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('serves 10,000 tasks with a heap of 160 MB and in at most 400 MB of memory, and again after a restart', async () => {
    // Without a limit V8 lets garbage lie for as long as the machine has room.
    const environment = { NODE_OPTIONS: '--max-old-space-size=160' };
    const first = await start(environment);
    const token = await signUp(first);
    const begun = performance.now();
    for (let batch = 0; batch < 100; batch++) {
      const operations = Array.from({ length: 100 }, (_, i) => ({
        op: 'create',
        task: {
          title: `Prepare the quarterly report, part ${batch * 100 + i}`,
          description: 'Collect the figures, compare them with the last quarter and write the summary for the board.',
          priority: 'high',
          tags: ['report', `batch-${batch}`],
          dueAt: '2030-01-01T09:00:00.000Z',
        },
      }));
      const { body } = await first.http
        .post('/api/v1/tasks/bulk')
        .set('Authorization', token)
        .send({ operations })
        .expect(200);
      expect(body.results.filter(({ status }: { status: number }) => status === 201)).toHaveLength(100);
    }
    const writtenInMs = performance.now() - begun;
    const stats = await first.http.get('/api/v1/tasks/stats').set('Authorization', token).expect(200);
    expect(stats.body.total).toBe(10_000);
    expect(residentMegabytes(first)).toBeLessThan(400);
    await first.end('SIGTERM');

    const second = await start(environment);
    // To read them all is less than half the work that to write them was, on a fast machine and on a slow one.
    expect(second.startedInMs).toBeLessThan(writtenInMs / 2);
    const again = await second.http.get('/api/v1/tasks/stats').set('Authorization', token).expect(200);
    expect(again.body).toEqual(stats.body);
    expect(residentMegabytes(second)).toBeLessThan(400);
  });

  it('loses nothing that it acknowledged when it is killed, twenty times at random moments', async () => {
    const acknowledged = new Set<string>();
    let token = '';
    for (let round = 0; round < 20; round++) {
      const server = await start();
      token ||= await signUp(server);
      // So many writes that every round has some, on a machine of any speed, while three others are under way.
      let left = 1 + Math.floor(Math.random() * 15);
      let death: Promise<unknown> | undefined;
      const write = async (): Promise<void> => {
        while (!death) {
          const { body, status } = await server.http
            .post('/api/v1/tasks')
            .set('Authorization', token)
            .send({ title: `round ${round}` });
          if (status !== 201) continue;
          acknowledged.add(body.id as string);
          if (--left === 0) death = server.end('SIGKILL');
        }
      };
      await Promise.all(Array.from({ length: 4 }, () => write().catch(() => undefined)));
      await death;
    }
    const server = await start();
    const kept = new Set<string>();
    let path: string | undefined = '/api/v1/tasks?limit=100';
    while (path) {
      const page: { body: { items: { id: string }[]; nextCursor: string | null } } = await server.http
        .get(path)
        .set('Authorization', token)
        .expect(200);
      const { body } = page;
      for (const { id } of body.items) kept.add(id);
      path = body.nextCursor ? `/api/v1/tasks?limit=100&cursor=${body.nextCursor}` : undefined;
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(20);
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
  });

  it('finishes running requests on SIGTERM and answers 503 to the probe meanwhile', async () => {
    const server = await start({ DRAIN_SECONDS: '1' });
    const exited = server.end('SIGTERM');
    await eventually(() => server.http.get('/api/health/ready').expect(503), 900);
    await server.http.get('/api/health/live').expect(200);
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  describe('says in one clear sentence why it does not start', () => {
    const expectRefusal = async (environment: Record<string, string>, sentence: RegExp): Promise<void> => {
      const { code, output } = await failedStart(environment);
      expect(code).toBe(1);
      expect(output).toMatch(sentence);
      expect(output).not.toMatch(/\n\s+at /);
    };

    it('when another process holds the directory', async () => {
      const server = await start();
      await expectRefusal({ DATA_DIR: directory() }, new RegExp(`process ${server.process.pid}`));
      await server.http.get('/api/health/ready').expect(200);
    });

    it('when the directory cannot be written', async () => {
      const file = join(directory(), 'a-file');
      writeFileSync(file, '');
      await expectRefusal({ DATA_DIR: join(file, 'data') }, /DATA_DIR: the directory cannot be written/);
    });

    it('when it should run embedded in production', () =>
      expectRefusal({ DATA_DIR: directory(), NODE_ENV: 'production' }, /MONGODB_URI: required in production/));

    it('when variables are wrong, all of them at once and none of the values', async () => {
      const environment = { DATA_DIR: directory(), PORT: 'eighty', SECRET_KEY: 'hunter2', TRUST_PROXY: 'true' };
      await expectRefusal(environment, /PORT: .*\n(.*\n)*.*SECRET_KEY: .*\n(.*\n)*.*TRUST_PROXY: /);
      const { output } = await failedStart(environment);
      expect(output).not.toContain('hunter2');
      expect(output).not.toContain('eighty');
    });
  });
});

/** Resident memory of the process, all its threads included. */
function residentMegabytes({ process: { pid } }: TaskFlowProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
