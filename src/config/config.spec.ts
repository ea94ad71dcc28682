import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config.js';
import { ConfigError, SECRET_NAMES } from './environment.js';
import { generateJwtKey } from './keys.js';

const secretKey = 'kX2vQ9mT4rZ7wB1nL6pD3sF8hJ5gC0yA';
const jwtKeys = generateJwtKey();
const server = { MONGODB_URI: 'mongodb://db.internal:27017/taskflow', JWT_KEYS: jwtKeys, SECRET_KEY: secretKey };

/** The lines of the refusal. */
const refusal = (environment: NodeJS.ProcessEnv): string[] => {
  try {
    loadConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
  throw new Error('the environment was accepted');
};
const refusedNames = (environment: NodeJS.ProcessEnv): string[] =>
  refusal(environment).map((line) => line.split(':', 1)[0]!);

describe('loadConfig', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'taskflow-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  describe('bad variables', () => {
    const bad = {
      NODE_ENV: 'live',
      PORT: '70000',
      HOST: 'no host',
      PUBLIC_URL: 'ftp://x',
      APP_URL: 'app.example.com:443:1',
      MODULES: 'auth,payments',
      ALLOW_EMBEDDED: 'perhaps',
      MONGODB_URI: 'postgres://user:hunter2@db',
      MONGODB_MAX_POOL_SIZE: '0',
      MONGODB_SERVER_SELECTION_TIMEOUT_MS: '1',
      MONGODB_SOCKET_TIMEOUT_MS: 'soon',
      MONGODB_OPERATION_TIMEOUT_MS: '1.5',
      MONGODB_READ_PREFERENCE: 'closest',
      REDIS_URL: 'http://hunter2@cache',
      REDIS_CLUSTER_NODES: 'hunter2',
      REDIS_SENTINELS: 'one:two',
      REDIS_SENTINEL_NAME: 'hunter 2',
      REDIS_PREFIX: 't{f}',
      API_INSTANCES: '0',
      SMTP_URL: 'http://hunter2@mail',
      MAIL_FROM: 'nobody',
      VAPID_PRIVATE_KEY: 'hunter2',
      VAPID_SUBJECT: 'nobody',
      JWT_KEYS: 'hunter2',
      JWT_PUBLIC_KEYS: 'one:two:three',
      JWT_JWKS_URL: 'ldap://keys',
      SECRET_KEY: 'hunter2',
      BOOTSTRAP_ADMIN_EMAIL: 'nobody',
      BOOTSTRAP_ADMIN_PASSWORD: 'hunter2',
      REQUEST_TIMEOUT_MS: '99',
      RATE_LIMIT_PER_MINUTE: '-1',
      LOGIN_RATE_LIMIT_PER_15MIN: '0',
      TRUST_PROXY: 'true',
      CORS_ORIGINS: '*',
      LOG_LEVEL: 'loud',
      LOG_FORMAT: 'xml',
      METRICS: 'yes',
      METRICS_TOKEN: 'hunter2',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://collector',
      OTEL_SERVICE_NAME: 'task flow',
      OTEL_TRACES_SAMPLER_ARG: '1.5',
      SENTRY_DSN: 'https://hunter2',
      COMMIT: 'the last one',
      DRAIN_SECONDS: 'x',
    };

    it('are all named at once', () => {
      expect(refusedNames(bad).sort()).toEqual(Object.keys(bad).sort());
    });

    it('are named without a value', () => {
      const message = refusal(bad).join('\n');
      for (const value of ['hunter2', '70000', 'no host', 'perhaps', 'nobody', 'xml', 'ftp://x']) {
        expect(message).not.toContain(value);
      }
    });

    it('are named together with what is missing and with keys of the wrong kind', () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const other = `a:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')}`;
      const names = refusedNames({ MONGODB_URI: server.MONGODB_URI, PORT: 'x', JWT_KEYS: other });
      expect(names.sort()).toEqual(['JWT_KEYS', 'PORT', 'SECRET_KEY']);
    });

    it('count as unset when they are empty', () => {
      const empty = Object.fromEntries(Object.keys(bad).map((name) => [name, '']));
      expect(loadConfig({ ...empty, DATA_DIR: directory })).toMatchObject({ mode: 'embedded', port: 3000 });
    });
  });

  describe('Redis', () => {
    const redis = (environment: NodeJS.ProcessEnv) => loadConfig({ ...server, ...environment }).redis;

    it('is absent without an address', () => {
      expect(redis({ REDIS_PREFIX: 'x', REDIS_CA: '-----BEGIN' })).toBeUndefined();
    });

    it('is read from its URL', () => {
      expect(
        redis({ REDIS_URL: 'rediss://ada:p%40ss@[::1]:6380/3', REDIS_CA: '-----BEGIN CERTIFICATE' }),
      ).toMatchObject({
        host: '::1',
        port: 6380,
        database: 3,
        username: 'ada',
        password: 'p@ss',
        tls: { ca: '-----BEGIN CERTIFICATE' },
        prefix: 'tf',
      });
      expect(redis({ REDIS_URL: 'redis://cache' })).toMatchObject({ host: 'cache', port: 6379, database: 0 });
      expect(redis({ REDIS_URL: 'redis://cache' })?.tls).toBeUndefined();
    });

    it('takes the CA from a file', () => {
      const path = join(directory, 'ca.pem');
      writeFileSync(path, 'the certificate');
      expect(redis({ REDIS_URL: 'rediss://cache', REDIS_CA: path })?.tls).toEqual({ ca: 'the certificate' });
      expect(refusedNames({ ...server, REDIS_URL: 'rediss://cache', REDIS_CA: join(directory, 'no') })).toEqual([
        'REDIS_CA',
      ]);
    });

    it('is a cluster, or what sentinels know, with the password of the URL', () => {
      expect(redis({ REDIS_CLUSTER_NODES: 'a:7000,[::1]:7001', REDIS_URL: 'redis://:pass@ignored' })).toMatchObject({
        clusterNodes: [
          { host: 'a', port: 7000 },
          { host: '::1', port: 7001 },
        ],
        password: 'pass',
      });
      expect(redis({ REDIS_SENTINELS: 'a:26379', REDIS_SENTINEL_NAME: 'main' })).toMatchObject({
        sentinels: [{ host: 'a', port: 26379 }],
        sentinelName: 'main',
      });
    });

    it.each([
      [{ REDIS_URL: 'redis://cache/first' }, 'REDIS_URL'],
      [{ REDIS_URL: 'redis://cache:99999' }, 'REDIS_URL'],
      [{ REDIS_CLUSTER_NODES: 'a:99999' }, 'REDIS_CLUSTER_NODES'],
      [{ REDIS_CLUSTER_NODES: 'a:1', REDIS_SENTINELS: 'b:1' }, 'REDIS_CLUSTER_NODES and REDIS_SENTINELS'],
    ])('refuses %j', (environment, name) => {
      expect(refusedNames({ ...server, ...environment })).toEqual([name]);
    });
  });

  describe('TRUST_PROXY', () => {
    const trusted = (value: string) => loadConfig({ ...server, TRUST_PROXY: value }).trustProxy;

    it.each(['true', 'loopback', 'dead', '10.0.0.0/33', '10.0.0.0/0', '::/0', '10.0.0.0/8/8', '10.0.0.1,', '-1'])(
      'refuses %s',
      (value) => {
        expect(refusedNames({ ...server, TRUST_PROXY: value })).toEqual(['TRUST_PROXY']);
      },
    );

    it('takes hops, or addresses and CIDRs', () => {
      expect(trusted('2')).toBe(2);
      expect(trusted('10.0.0.0/8, ::1,fd00::/64')).toEqual(['10.0.0.0/8', '::1', 'fd00::/64']);
      expect(trusted('')).toBe(false);
    });
  });

  describe('NAME_FILE', () => {
    const file = (content: string): string => {
      const path = join(directory, 'secret');
      writeFileSync(path, content);
      return path;
    };

    it.each(SECRET_NAMES)('gives %s from a file, without the line end', (name) => {
      const values: Record<string, string> = {
        ...server,
        REDIS_URL: 'redis://cache:6379',
        BOOTSTRAP_ADMIN_EMAIL: 'ada@example.com',
        BOOTSTRAP_ADMIN_PASSWORD: 'a long passphrase',
        METRICS_TOKEN: 'a token for the metrics',
        SENTRY_DSN: 'https://key@sentry.example.com/1',
        EVENTS_URL: 'amqp://broker',
        SMTP_URL: 'smtp://mail.example.com',
        VAPID_PRIVATE_KEY: Buffer.alloc(32, 1).toString('base64url'),
      };
      const direct = loadConfig(values);
      const fromFile = loadConfig({ ...values, [name]: undefined, [`${name}_FILE`]: file(`${values[name]}\n`) });
      expect(JSON.stringify(fromFile)).toBe(JSON.stringify(direct));
    });

    it('is refused beside NAME, and when it cannot be read', () => {
      expect(refusedNames({ ...server, SECRET_KEY_FILE: file(secretKey) })).toEqual(['SECRET_KEY']);
      const missing = { ...server, SECRET_KEY: undefined, SECRET_KEY_FILE: join(directory, 'missing') };
      expect(refusedNames(missing)).toContain('SECRET_KEY_FILE');
    });
  });

  describe('in production', () => {
    const production = { ...server, NODE_ENV: 'production' };

    it.each([
      ['SECRET_KEY', 'change-me-change-me-change-me-change-me'],
      ['SECRET_KEY', 'aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee'],
      ['SECRET_KEY', 'our taskflow key that nobody else knows'],
      ['METRICS_TOKEN', 'secret-metrics-token'],
      ['BOOTSTRAP_ADMIN_PASSWORD', 'password1234'],
    ])('refuses a %s that can be guessed', (name, value) => {
      const admin = { BOOTSTRAP_ADMIN_EMAIL: 'ada@example.com', BOOTSTRAP_ADMIN_PASSWORD: 'vT9-kelp-orbit' };
      const environment = { ...production, ...admin, [name]: value };
      expect(refusedNames(environment)).toEqual([name]);
      expect(() => loadConfig({ ...environment, NODE_ENV: 'development' })).not.toThrow();
    });

    it('refuses the embedded store unless ALLOW_EMBEDDED', () => {
      const embedded = { NODE_ENV: 'production', DATA_DIR: directory };
      expect(refusedNames(embedded)).toEqual(['MONGODB_URI']);
      expect(loadConfig({ ...embedded, ALLOW_EMBEDDED: 'true' }).mode).toBe('embedded');
    });

    it('writes JSON logs in either mode, and readable ones only on a laptop', () => {
      const embedded = { DATA_DIR: directory, ALLOW_EMBEDDED: 'true' };
      expect(loadConfig(production).logFormat).toBe('json');
      expect(loadConfig({ ...embedded, NODE_ENV: 'production' }).logFormat).toBe('json');
      expect(loadConfig(embedded).logFormat).toBe('pretty');
    });
  });

  describe('with MONGODB_URI', () => {
    it('wants its secrets from the environment, so that all processes have the same', () => {
      const environment = { MONGODB_URI: server.MONGODB_URI, DATA_DIR: directory };
      expect(refusedNames(environment).sort()).toEqual(['JWT_KEYS', 'SECRET_KEY']);
    });

    it('listens on every interface, embedded on this machine only', () => {
      expect(loadConfig(server).host).toBe('0.0.0.0');
      expect(loadConfig({ DATA_DIR: directory }).host).toBe('127.0.0.1');
    });
  });

  describe('MIGRATE_AT_START', () => {
    const production = { ...server, NODE_ENV: 'production' };
    it.each<[what: string, environment: NodeJS.ProcessEnv, migrates: boolean]>([
      ['a start in embedded mode migrates', {}, true],
      ['one outside production does', server, true],
      ['one in production waits for somebody who does', production, false],
      ['one in embedded mode in production does', { NODE_ENV: 'production', ALLOW_EMBEDDED: 'true' }, true],
      ['true makes a start in production migrate', { ...production, MIGRATE_AT_START: 'true' }, true],
      ['false keeps any start from it', { ...server, MIGRATE_AT_START: 'false' }, false],
    ])('%s', (_what, environment, migrates) => {
      expect(loadConfig({ DATA_DIR: directory, ...environment }).mongo.migrateAtStart).toBe(migrates);
    });
  });

  describe('keys', () => {
    it('sign with the first and verify with all', () => {
      const { keys } = loadConfig({ ...server, JWT_KEYS: `${generateJwtKey()},${jwtKeys}` }).jwt;
      expect(keys).toHaveLength(2);
      for (const { privateKey, publicKey } of keys) {
        const signature = sign('sha256', Buffer.from('x'), privateKey!);
        expect(verify('sha256', Buffer.from('x'), publicKey, signature)).toBe(true);
      }
    });

    it('may be public only, in a process that only verifies', () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const text = `a:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64url')}`;
      const verifier = { ...server, JWT_KEYS: undefined, JWT_PUBLIC_KEYS: text };
      const { keys } = loadConfig({ ...verifier, MODULES: 'users,tasks,notifications,admin' }).jwt;
      expect(keys).toMatchObject([{ kid: 'a', privateKey: undefined }]);
      for (const MODULES of [undefined, 'auth', 'tasks,auth']) {
        expect(refusal({ ...verifier, MODULES })).toEqual(['JWT_KEYS: required with MONGODB_URI where auth is served']);
      }
    });

    it('may be at an address, in a process that only verifies', () => {
      const verifier = { ...server, JWT_KEYS: undefined, JWT_JWKS_URL: 'http://auth/.well-known/jwks.json' };
      expect(loadConfig({ ...verifier, MODULES: 'tasks' }).jwt).toMatchObject({
        keys: [],
        jwksUrl: 'http://auth/.well-known/jwks.json',
      });
      expect(refusal({ ...verifier, JWT_KEYS: jwtKeys })).toEqual([
        'JWT_JWKS_URL: for processes without auth only; auth itself has the keys',
      ]);
      expect(refusal({ ...verifier, JWT_JWKS_URL: undefined, MODULES: 'tasks' })).toEqual([
        'JWT_PUBLIC_KEYS or JWT_JWKS_URL: required where auth is not served',
      ]);
    });

    it('are not private in production where auth is not served: it could only give them away', () => {
      const tasks = { ...server, MODULES: 'tasks' };
      expect(loadConfig(tasks).jwt.keys).toHaveLength(1);
      expect(refusal({ ...tasks, NODE_ENV: 'production' })).toEqual([
        'JWT_KEYS: refused in production where auth is not served; JWT_PUBLIC_KEYS or JWT_JWKS_URL is enough',
      ]);
    });

    it.each(['P-384', 'secp256k1'])('on the curve %s are refused', (namedCurve) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      const text = `a:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')}`;
      expect(refusal({ ...server, JWT_KEYS: text })).toEqual(['JWT_KEYS: expected kid:base64url(PKCS#8)[,…], ES256']);
    });

    it('with the same kid are refused', () => {
      expect(refusedNames({ ...server, JWT_KEYS: `${jwtKeys},${jwtKeys}` })).toEqual(['JWT_KEYS']);
    });
  });

  describe('modules', () => {
    it('are all of them, or those that are named, in whatever order', () => {
      expect(loadConfig(server).modules).toEqual(['auth', 'users', 'tasks', 'notifications', 'admin']);
      expect(loadConfig({ ...server, MODULES: 'admin,auth' }).modules).toEqual(['auth', 'admin']);
    });

    it.each(['tasks,payments', ',', 'tasks,', 'Tasks', ' '])('are refused as "%s"', (MODULES) => {
      expect(refusal({ ...server, MODULES })).toEqual([
        'MODULES: must be some of auth,users,tasks,notifications,admin',
      ]);
    });

    it('are all of them on the embedded store, which only one process can have', () => {
      expect(refusal({ DATA_DIR: directory, MODULES: 'auth,tasks' })).toEqual([
        'MODULES: some of them need MONGODB_URI, because the embedded store belongs to one process',
      ]);
    });
  });

  describe('kept secrets', () => {
    const kids = (environment: NodeJS.ProcessEnv) => loadConfig(environment).jwt.keys.map(({ kid }) => kid);

    it('are made once, readable by the owner only, and used again', () => {
      const first = loadConfig({ DATA_DIR: join(directory, 'data') });
      expect(statSync(join(directory, 'data')).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, 'data', 'secrets.json')).mode & 0o777).toBe(0o600);
      const second = loadConfig({ DATA_DIR: join(directory, 'data') });
      expect(second.secretKey).toEqual(first.secretKey);
      expect(kids({ DATA_DIR: join(directory, 'data') })).toEqual(first.jwt.keys.map(({ kid }) => kid));
    });

    it('give way to what the environment says', () => {
      expect(kids({ DATA_DIR: directory, JWT_KEYS: jwtKeys })).toEqual([jwtKeys.split(':', 1)[0]]);
      const kept = readFileSync(join(directory, 'secrets.json'), 'utf8');
      loadConfig({ DATA_DIR: directory, JWT_KEYS: jwtKeys, SECRET_KEY: secretKey });
      expect(readFileSync(join(directory, 'secrets.json'), 'utf8')).toBe(kept);
    });

    it.each([
      ['below a file', () => join(directory, 'file', 'data')],
      ['a file itself', () => join(directory, 'file')],
    ])('stop the start with one sentence when DATA_DIR is %s', (_where, path) => {
      writeFileSync(join(directory, 'file'), '');
      expect(refusal({ DATA_DIR: path() })).toEqual([
        expect.stringMatching(/^DATA_DIR: the directory cannot be written \(E[A-Z]+\)$/),
      ]);
    });

    it.each(['', '{"jwtKeys":1}', 'null'])('that are damaged (%j) stop the start instead of being replaced', (text) => {
      writeFileSync(join(directory, 'secrets.json'), text);
      expect(refusal({ DATA_DIR: directory })).toEqual([
        'DATA_DIR: its secrets.json cannot be read; restore it, or remove it to sign everybody out',
      ]);
      expect(readFileSync(join(directory, 'secrets.json'), 'utf8')).toBe(text);
    });
  });

  it('gives a configuration that nobody can change', () => {
    const admin = { BOOTSTRAP_ADMIN_EMAIL: 'ada@example.com', BOOTSTRAP_ADMIN_PASSWORD: 'a long passphrase' };
    const config = loadConfig({ ...server, ...admin, TRUST_PROXY: '::1', CORS_ORIGINS: 'https://app.example.com' });
    const { mongo, jwt, bootstrapAdmin, corsOrigins, trustProxy } = config;
    const parts = { config, mongo, jwt, keys: jwt.keys, key: jwt.keys[0], bootstrapAdmin, corsOrigins, trustProxy };
    for (const [name, part] of Object.entries(parts)) expect([name, Object.isFrozen(part)]).toEqual([name, true]);
  });
});
