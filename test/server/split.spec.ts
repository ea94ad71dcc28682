import mongoose, { type Connection } from 'mongoose';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { MODULE_NAMES, type ModuleName } from '../../src/config/modules.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { signIn, signUp, type Client } from '../support/clients.js';
import { failedStart, startProcess, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';
import { freePort } from '../support/redis-server.js';
import { startSmtpInbox, type ReceivedMail, type SmtpInbox } from '../support/smtp-inbox.js';
import { startSplit, type Split } from '../support/split.js';

const ADMIN = { email: 'root@example.org', password: 'a password for the split' };
const written = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};

/** The table of docs/architecture.md. */
const moduleOf = (path: string): ModuleName | undefined =>
  path === '/api/v1/events'
    ? 'notifications'
    : MODULE_NAMES.find((name) => path === `/api/v1/${name}` || path.startsWith(`/api/v1/${name}/`));

const operations = Object.entries(written.paths).flatMap(([path, item]) =>
  Object.keys(item).map((method) => ({
    method: method as 'get',
    path: path.replace('{id}', '0123456789abcdef01234567'),
    module: moduleOf(path),
  })),
);

const jwtKey = generateJwtKey();
let split: Split;
let inbox: SmtpInbox;
let connection: Connection;
let admin: Client;
beforeAll(async () => {
  inbox = await startSmtpInbox();
  split = await startSplit(jwtKey, {
    SMTP_URL: inbox.url,
    BOOTSTRAP_ADMIN_EMAIL: ADMIN.email,
    BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
  });
  connection = await mongoose.createConnection(split.mongoUri).asPromise();
  admin = await signIn(split, ADMIN);
});
afterAll(async () => {
  await connection?.close();
  await split?.stop();
  await inbox?.close();
});

const api = () => request(split.url);
const titlesOf = async (client: Client): Promise<string[]> =>
  (await client.get('/tasks').expect(200)).body.items.map(({ title }: { title: string }) => title);
const expectReady = ({ url }: TaskFlowProcess, withinMs = 20_000): Promise<unknown> =>
  eventually(() => request(url).get('/api/health/ready').expect(200), withinMs);

describe('a process that serves one module', () => {
  it.each(MODULE_NAMES)('answers on the routes of %s, and to all others as to an unknown one', async (name) => {
    const { http } = split.processes[name];
    const unknown = (await http.get('/api/v1/nothing').expect(404)).body;
    for (const { method, path, module } of operations.filter((operation) => operation.module)) {
      const { status, body } = await http[method](path);
      if (module === name) {
        expect(body.code).not.toBe('route.not_found');
        expect([200, 401, 422]).toContain(status);
      } else {
        expect(status).toBe(404);
        expect(body).toEqual({ ...unknown, instance: path, requestId: body.requestId });
      }
    }
    await http.get('/.well-known/jwks.json').expect(name === 'auth' ? 200 : 404);
  });

  it.each(MODULE_NAMES)('shows the whole API, also when it is %s', async (name) => {
    const { http } = split.processes[name];
    expect((await http.get('/api/openapi.json').expect(200)).body).toEqual(written);
    await http.get('/api/docs/').expect(200);
    expect((await http.get('/api/docs/errors').expect(200)).text).toContain('id="task.stale"');
  });

  it.each(MODULE_NAMES)('has probes and metrics of its own, also when it is %s', async (name) => {
    const { http } = split.processes[name];
    await http.get('/api/health/live').expect(200);
    await expectReady(split.processes[name]);
    expect((await http.get('/metrics').expect(200)).text).toContain('taskflow_http_request_duration_seconds');
  });

  it('does not start in production with private keys, unless it is auth', async () => {
    const { code, output } = await failedStart({
      NODE_ENV: 'production',
      MODULES: 'users,tasks,notifications,admin',
      MONGODB_URI: split.mongoUri,
      SECRET_KEY: 'kX2vQ9mT4rZ7wB1nL6pD3sF8hJ5gC0yA',
      JWT_KEYS: jwtKey,
    });
    expect(code).toBe(1);
    expect(output).toContain('JWT_KEYS: refused in production where auth is not served');
    expect(output).not.toContain(jwtKey.split(':', 2)[1]);
  });

  it('lives without the address of its keys, and is ready as soon as that answers', async () => {
    const port = await freePort();
    const common = { MONGODB_URI: split.mongoUri, SECRET_KEY: 'a test key that no other process has' };
    const jwks = { JWT_JWKS_URL: `http://127.0.0.1:${port}/.well-known/jwks.json` };
    const tasks = await startProcess({ ...common, ...jwks, MODULES: 'tasks' });
    let auth: TaskFlowProcess | undefined;
    try {
      await tasks.http.get('/api/health/live').expect(200);
      const { body } = await tasks.http.get('/api/health/ready').expect(503);
      expect(body).toMatchObject({ status: 'error' });
      auth = await startProcess({ ...common, MODULES: 'auth', PORT: String(port), JWT_KEYS: generateJwtKey() });
      await expectReady(tasks);
      const { token } = await signUp(auth);
      await tasks.http.get('/api/v1/tasks').set('authorization', `Bearer ${token}`).expect(200);
    } finally {
      await tasks.end('SIGKILL');
      await auth?.end('SIGKILL');
    }
  });
});

describe('the processes behind nginx', () => {
  it('are one API', async () => {
    const ada = await signUp(split);
    await ada.post('/tasks').send({ title: 'from three processes' }).expect(201);
    await ada.patch('/users/me').send({ name: 'Ada of the split' }).expect(200);
    expect((await ada.get('/users/me').expect(200)).body.name).toBe('Ada of the split');
    expect(await titlesOf(ada)).toEqual(['from three processes']);
    expect((await ada.get('/tasks/stats').expect(200)).body.total).toBe(1);
    expect((await ada.get('/auth/sessions').expect(200)).body.items).toHaveLength(1);
    expectProblem(await ada.get('/admin/stats'), 403, 'auth.forbidden');
    expect((await admin.get(`/admin/users/${ada.user.id}`).expect(200)).body.name).toBe('Ada of the split');
    expectProblem(await api().get('/api/v1/nothing'), 404, 'route.not_found');
  });

  it('refuse a session everywhere within a second of its end', async () => {
    const ada = await signUp(split);
    await ada.get('/tasks').expect(200);
    await ada.post('/auth/logout').expect(204);
    await eventually(async () => {
      for (const path of ['/tasks', '/users/me', '/auth/sessions', '/admin/stats'])
        expectProblem(await ada.get(path), 401, 'auth.token_invalid');
    }, 1000);
  });

  it('let an admin’s suspension end what the user does in the others', async () => {
    const ada = await signUp(split);
    await admin.patch(`/admin/users/${ada.user.id}`).send({ status: 'suspended' }).expect(200);
    await eventually(async () => expectProblem(await ada.get('/tasks'), 401, 'auth.token_invalid'), 1000);
    expectProblem(await api().post('/api/v1/auth/login').send(ada), 422, 'input.invalid');
    const { email, password } = ada;
    expectProblem(await api().post('/api/v1/auth/login').send({ email, password }), 403, 'auth.suspended');
  });

  it('take a token of a new key before anybody told them', async () => {
    // The pause between two questions for unknown keys.
    await split.restart('auth', { JWT_KEYS: `${generateJwtKey()},${jwtKey}` });
    await expectReady(split.processes.auth);
    const ada = await eventually(() => signUp(split));
    await eventually(() => ada.get('/tasks').expect(200), 7000);
    await ada.get('/users/me').expect(200);
    await split.restart('auth');
    await expectReady(split.processes.auth);
  });
});

describe('mails', () => {
  const mailsTo = ({ email }: Client): ReceivedMail[] => inbox.mails.filter(({ to }) => to.includes(email));
  const subjectsTo = (client: Client): unknown[] => mailsTo(client).map((mail) => mail.header('subject'));
  const tokenIn = (mail: ReceivedMail): string =>
    /^POST \/api\/v1\/auth\/[\w-]+\s+(\S+)\s*$/m.exec(mail.part('text/plain'))![1]!;

  it('tell of what happened in other processes, and what they say is taken there', async () => {
    const ada = await signUp(split);
    await eventually(() => expect(subjectsTo(ada)).toEqual(['Confirm your e-mail address']), 20_000);
    await api()
      .post('/api/v1/auth/verify-email')
      .send({ token: tokenIn(mailsTo(ada)[0]!) })
      .expect(204);
    const dueAt = new Date(Date.now() + 1000).toISOString();
    await ada.post('/tasks').send({ title: 'file the report', dueAt, reminders: [] }).expect(201);
    await eventually(async () => {
      expect(subjectsTo(ada)).toHaveLength(2);
      expect((await ada.get('/notifications').expect(200)).body.items).toHaveLength(1);
    }, 20_000);
    expect(mailsTo(ada)[1]!.part('text/plain')).toContain('file the report');
  });

  it('that were asked for while nobody wrote any come afterwards, once', async () => {
    const ada = await signUp(split);
    await eventually(() => expect(mailsTo(ada)).toHaveLength(1), 20_000);
    await split.processes.notifications.end('SIGKILL');
    try {
      await api().post('/api/v1/auth/forgot-password').send({ email: ada.email }).expect(202);
    } finally {
      await split.restart('notifications');
    }
    // The lease of the one that was killed.
    await eventually(() => expect(mailsTo(ada)).toHaveLength(2), 60_000);
    await api()
      .post('/api/v1/auth/reset-password')
      .send({ token: tokenIn(mailsTo(ada)[1]!), newPassword: 'another password for the split' })
      .expect(204);
    await signIn(split, { email: ada.email, password: 'another password for the split' });
    expect(mailsTo(ada)).toHaveLength(2);
  });
});

describe('when auth is killed', () => {
  it('tasks and users go on for who is signed in, and refuse whom an admin ends', async () => {
    const [ada, eva, ida] = await Promise.all([signUp(split), signUp(split), signUp(split)]);
    await ida.post('/auth/logout').expect(204);
    await split.processes.auth.end('SIGKILL');
    try {
      await ada.post('/tasks').send({ title: 'without auth' }).expect(201);
      expect(await titlesOf(ada)).toEqual(['without auth']);
      await ada.patch('/users/me').send({ locale: 'de' }).expect(200);
      await eventually(async () => expectProblem(await ida.get('/tasks'), 401, 'auth.token_invalid'), 1000);
      await admin.post(`/admin/users/${eva.user.id}/revoke-sessions`).expect(204);
      await eventually(async () => expectProblem(await eva.get('/tasks'), 401, 'auth.token_invalid'), 1000);
      await ada.get('/tasks').expect(200);
      const { email, password } = ada;
      const login = await api().post('/api/v1/auth/login').send({ email, password });
      expectProblem(login, 503, 'server.unreachable');
      expect(login.headers['retry-after']).toBe('2');
      // Needs the password and no key.
      await ada.delete('/users/me').send({ password }).expect(204);
    } finally {
      await split.restart('auth');
    }
    await expectReady(split.processes.auth);
    const { refreshToken } = ada;
    await eventually(async () =>
      expectProblem(await api().post('/api/v1/auth/refresh').send({ refreshToken }), 401, 'auth.refresh_invalid'),
    );
    await signIn(split, eva);
  });
});

describe('when admin is killed', () => {
  it('nothing else notices', async () => {
    await split.processes.admin.end('SIGKILL');
    try {
      const ada = await signUp(split);
      await ada.post('/tasks').send({ title: 'without admin' }).expect(201);
      expect(await titlesOf(ada)).toEqual(['without admin']);
      await ada.get('/users/me').expect(200);
      await ada
        .post('/auth/change-password')
        .send({ currentPassword: ada.password, newPassword: 'another of the split' });
      await signIn(split, { email: ada.email, password: 'another of the split' });
      for (const name of ['auth', 'users', 'tasks', 'notifications'] as const) await expectReady(split.processes[name]);
      expectProblem(await admin.get('/admin/stats'), 503, 'server.unreachable');
    } finally {
      await split.restart('admin');
    }
    await expectReady(split.processes.admin);
    await admin.get('/admin/stats').expect(200);
  });
});

describe('when tasks is killed', () => {
  const tasksOf = ({ user }: Client) =>
    connection
      .collection('tasks')
      .countDocuments({ owner: new mongoose.Types.ObjectId(user.id), place: { $ne: 'gone' } });
  const accounts = ({ user }: Client) =>
    connection.collection('users').countDocuments({ _id: new mongoose.Types.ObjectId(user.id) });

  it('the tasks of an account that is deleted meanwhile go when it is back, late ones too, and the account last', async () => {
    const ada = await signUp(split);
    for (const title of ['one', 'two', 'three']) await ada.post('/tasks').send({ title }).expect(201);
    const task = await connection.collection('tasks').findOne({ owner: new mongoose.Types.ObjectId(ada.user.id) });
    await split.processes.tasks.end('SIGKILL');
    try {
      await ada.delete('/users/me').send({ password: ada.password }).expect(204);
      // The other modules finish their part, and only that.
      await eventually(async () => {
        const { pending } = (await connection
          .collection('users')
          .findOne({ _id: new mongoose.Types.ObjectId(ada.user.id) }))!;
        expect(pending.map((event: { name: string; for?: string[] }) => [event.name, event.for])).toEqual([
          ['user.deleted', ['tasks']],
          ['user.purge_due', undefined],
        ]);
      }, 15_000);
      expect(await tasksOf(ada)).toBe(3);
    } finally {
      await split.restart('tasks');
    }
    await eventually(async () => expect(await tasksOf(ada)).toBe(0), 20_000);
    // As if a request that was under way at the deletion had written only now.
    const { _id: _sameId, idem: _noKey, ...late } = task!;
    await connection.collection('tasks').insertOne({ ...late, place: 'live', title: 'late' });
    expect(await accounts(ada)).toBe(1);
    await eventually(async () => expect([await tasksOf(ada), await accounts(ada)]).toEqual([0, 0]), 60_000);
  });
});
