import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { loadConfig } from '../../src/config/config.js';
import { readCompose, upScript } from '../support/compose.js';
import { temporaryDirectory } from '../support/dist.js';

const compose = readCompose('docker-compose.yml');
const apis = Object.entries(compose.services).filter(([name]) => name.startsWith('api-'));

describe('deploy/compose/up.sh', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let up: ReturnType<typeof upScript>;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    up = upScript(directory.path);
  });
  afterEach(() => directory.remove());

  const kept = (): Record<string, string> =>
    Object.fromEntries(readdirSync(up.secrets).map((name) => [name, readFileSync(join(up.secrets, name), 'utf8')]));
  const running = 'case "$*" in *"ps --quiet"*) echo 4711;; esac';

  it('makes every secret, where others cannot come but containers can read', async () => {
    expect(await up.run()).toMatchObject({ code: 0 });
    const declared = Object.values(compose.secrets).map(({ file }) => file.replace('deploy/compose/secrets/', ''));
    expect(Object.keys(kept())).toEqual(expect.arrayContaining(declared));
    expect(statSync(up.secrets).mode & 0o777).toBe(0o700);
    for (const name of declared) expect(statSync(join(up.secrets, name)).mode & 0o777).toBe(0o444);
    expect(new Set(Object.values(kept())).size).toBe(Object.keys(kept()).length);
    // MongoDB takes 6 to 1024 characters.
    expect(kept()['mongo_keyfile']!.replaceAll('\n', '')).toMatch(/^[\w+/=]{6,1024}$/);
  });

  it('makes a configuration that production takes', async () => {
    await up.run();
    const environment = Object.entries(apis[0]![1].environment!).map(([name, value]) => [
      name,
      value.replace('/run/secrets', up.secrets),
    ]);
    const config = loadConfig({ NODE_ENV: 'production', ...Object.fromEntries(environment) });
    expect(config).toMatchObject({ mode: 'server', production: true, apiInstances: apis.length, trustProxy: 1 });
    expect(config.push?.privateKey).toBe(kept()['vapid_private_key']);
    expect(config.redis).toMatchObject({ host: 'redis', username: 'taskflow', database: 0 });
    expect(new URL(config.mongo.uri!)).toMatchObject({
      host: 'mongo:27017',
      pathname: '/taskflow',
      username: 'taskflow',
    });
  });

  it('makes a configuration that the worker takes, with mails that stay on this machine', async () => {
    await up.run();
    const environment = Object.entries(compose.services['worker']!.environment!).map(([name, value]) => [
      name,
      value.replace('/run/secrets', up.secrets),
    ]);
    const config = loadConfig({ NODE_ENV: 'production', ROLE: 'worker', ...Object.fromEntries(environment) });
    expect(config).toMatchObject({ mode: 'server', role: 'worker', jwt: { keys: [] } });
    expect(config.mail.smtpUrl).toBe('smtp://mailpit:1025');
    // Of the same pair as those that browsers are given the public key by.
    expect(config.push?.privateKey).toBe(kept()['vapid_private_key']);
    expect(config.eventsUrl).toBeUndefined();
  });

  it('makes the broker and whoever speaks to it agree', async () => {
    await up.run();
    const { rabbitmq_conf: conf, events_url: url } = kept();
    const settings = Object.fromEntries(
      conf!
        .trim()
        .split('\n')
        .map((line) => line.split(' = ')),
    );
    const { protocol, username, password, host } = new URL(url!);
    expect({ protocol, host }).toEqual({
      protocol: 'amqp:',
      host: `${compose.services['rabbitmq']!.hostname}:5672`,
    });
    expect([username, password]).toEqual([settings['default_user'], settings['default_pass']]);
  });

  it('changes no secret that is there, and makes one that is missing', async () => {
    await up.run();
    const { metrics_token: token, ...others } = kept();
    rmSync(join(up.secrets, 'metrics_token'), { force: true });
    await up.run();
    const { metrics_token: fresh, ...same } = kept();
    expect(same).toEqual(others);
    expect(fresh).not.toBe(token);
  });

  it('keeps nothing half made when it dies, and goes on from there', async () => {
    const dying = 'case "$1" in genpkey) exit 1;; esac; PATH=${PATH#*:} exec openssl "$@"';
    expect((await up.run({ openssl: dying })).code).not.toBe(0);
    expect(up.calls()).toEqual([]);
    const { 'jwt_keys.new': unfinished, ...made } = kept();
    expect(made).not.toHaveProperty('jwt_keys');
    expect(await up.run()).toMatchObject({ code: 0 });
    expect(kept()).toMatchObject(made);
    expect(kept()['jwt_keys']).toMatch(/^[\da-f]+:[\w-]+\n$/);
    expect(unfinished ?? '').toBe('');
  });

  it('builds and starts everything the first time', async () => {
    await up.run({}, ['--profile', 'observability']);
    expect(up.calls()).toEqual([
      'compose --profile observability build',
      'compose ps --quiet api-1',
      'compose --profile observability up --detach --wait',
    ]);
  });

  it('pulls an image that was built elsewhere, and builds none', async () => {
    writeFileSync(join(directory.path, '.env'), 'TASKFLOW_IMAGE=registry.example.net/taskflow:1.2.3\n');
    await up.run();
    expect(up.calls()).toEqual(['compose pull', 'compose ps --quiet api-1', 'compose up --detach --wait']);
  });

  it('updates the database first and then one process after the other', async () => {
    await up.run({ docker: running });
    expect(up.calls()).toEqual([
      'compose build',
      'compose ps --quiet api-1',
      'compose run --rm migrate',
      'compose up --detach --no-deps --wait api-1',
      'compose up --detach --no-deps --wait api-2',
      'compose up --detach --no-deps --wait api-3',
      'compose up --detach --wait',
    ]);
  });

  it.each([
    ['a migration', 'run --rm migrate'],
    ['the first new process', 'wait api-1'],
  ])('leaves the other processes as they are when %s fails', async (_, failing) => {
    const { code } = await up.run({ docker: `${running}\ncase "$*" in *"${failing}") exit 1;; esac` });
    expect(code).not.toBe(0);
    expect(up.calls().at(-1)).toMatch(new RegExp(`${failing}$`));
  });
});

describe('deploy/compose/mongo-ready.js', () => {
  interface Server {
    initiated: boolean;
    primary: boolean;
    users: string[];
    /** What `rs.status()` fails with, once the set is there. */
    failure?: { code: number };
  }

  /** Runs it as mongosh does, on a server that is only these facts. @returns its exit code, and what it did */
  function runOn(server: Server): { code: number; done: unknown[] } {
    const done: unknown[] = [];
    const fail = (code: number): never => {
      throw Object.assign(new Error('refused'), { code });
    };
    const rs = {
      status: () => (server.failure ? fail(server.failure.code) : server.initiated || fail(94)),
      initiate: (set: unknown) => done.push(set),
    };
    const database = (name: string) => ({
      auth: (user: string, password: string) => done.push(['auth', name, user, password]),
      getUser: (user: string) => (server.users.includes(user) ? { user } : null),
      createUser: (user: unknown) => done.push(user),
    });
    const db = { getSiblingDB: database, hello: () => ({ isWritablePrimary: server.primary }) };
    const quit = (code: number): never => {
      throw { quit: code };
    };
    const files = { readFileSync: (path: string) => `content of ${path}\n` };
    const script = readFileSync(join(__dirname, '../../deploy/compose/mongo-ready.js'), 'utf8');
    try {
      runInNewContext(script, { db, rs, quit, sleep: () => undefined, require: () => files });
    } catch (thrown) {
      // An error that nobody catches ends mongosh with 1.
      return { code: (thrown as { quit?: number }).quit ?? 1, done };
    }
    throw new Error('did not quit');
  }

  const auth = ['auth', 'admin', 'root', 'content of /run/secrets/mongo_root_password'];
  const set = { _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] };
  const user = {
    user: 'taskflow',
    pwd: 'content of /run/secrets/mongo_password',
    roles: [{ role: 'readWrite', db: 'taskflow' }],
  };

  it('makes the replica set and the user of the first start', () => {
    expect(runOn({ initiated: false, primary: true, users: [] })).toEqual({ code: 0, done: [auth, set, user] });
  });

  it('goes on where a first start was interrupted', () => {
    expect(runOn({ initiated: true, primary: true, users: [] })).toEqual({ code: 0, done: [auth, user] });
  });

  it('changes nothing afterwards', () => {
    expect(runOn({ initiated: true, primary: true, users: ['taskflow'] })).toEqual({ code: 0, done: [auth] });
  });

  it('is not healthy while no member takes writes, or the server refuses', () => {
    expect(runOn({ initiated: true, primary: false, users: ['taskflow'] })).toEqual({ code: 1, done: [auth] });
    const unready = { initiated: true, primary: true, users: [], failure: { code: 76 } };
    expect(runOn(unready)).toEqual({ code: 1, done: [auth] });
  });
});
