import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Environment } from '../../src/config/environment.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { makeCertificate } from '../support/certificate.js';
import { signUp, type Client } from '../support/clients.js';
import { temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { exchange, type Answer } from '../support/fleet.js';
import { checkNginx, startNginx, type Change, type Nginx } from '../support/nginx.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const NOWHERE = ['http://127.0.0.1:9'];
const MICRO_CACHE: Change = ['nginx.conf', '# include micro-cache.conf', 'include micro-cache.conf'];

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let tls: Change[];

beforeAll(async () => {
  directory = await temporaryDirectory();
  const { certificate, key } = makeCertificate();
  writeFileSync(join(directory.path, 'certificate'), certificate);
  writeFileSync(join(directory.path, 'key'), key);
  tls = [
    ['nginx.conf', '# include tls.conf', 'include tls.conf'],
    ['tls.conf', '/run/secrets/tls_certificate', join(directory.path, 'certificate')],
    ['tls.conf', '/run/secrets/tls_key', join(directory.path, 'key')],
  ];
});
afterAll(() => directory.remove());

describe('deploy/nginx', () => {
  const split = { auth: NOWHERE, users: NOWHERE, tasks: NOWHERE, notifications: NOWHERE, admin: NOWHERE };

  it('is accepted by nginx -t: replicas, with all that is optional, and the split deployment', async () => {
    const checked = [
      await checkNginx({ config: 'nginx.conf', upstreams: { api: NOWHERE } }),
      await checkNginx({ config: 'nginx.conf', upstreams: { api: NOWHERE }, changes: [...tls, MICRO_CACHE] }),
      await checkNginx({ config: 'nginx.split.conf', upstreams: split }),
    ];
    for (const { ok, output } of checked) expect({ ok, output }).toEqual({ ok: true, output: expect.any(String) });
  });

  it('keeps idle connections to a process for a shorter time than the process does, and than it drains', () => {
    const text = readFileSync(join(__dirname, '../../deploy/nginx/taskflow/upstream.conf'), 'utf8');
    const kept = Number(/^keepalive_timeout (\d+)s;/m.exec(text)?.[1]);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(new Environment().KEEP_ALIVE_SECONDS);
    const compose = readFileSync(join(__dirname, '../../docker-compose.yml'), 'utf8');
    expect(kept).toBeLessThan(Number(/DRAIN_SECONDS: '(\d+)'/.exec(compose)?.[1]));
  });
});

describe('nginx', () => {
  let app: TestApp;
  let user: Client;
  beforeAll(async () => {
    app = await startTestApp({ TRUST_PROXY: '1', KEEP_ALIVE_SECONDS: '1' });
    user = await signUp(app);
  });
  afterAll(() => app?.close());

  const withNginx = async (changes: Change[], use: (it: Nginx) => Promise<void>, at = app.url): Promise<void> => {
    const nginx = await startNginx({ config: 'nginx.conf', upstreams: { api: [at] }, changes });
    try {
      await use(nginx);
    } finally {
      await nginx.stop();
    }
  };
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${user.token}` });

  it('serves HTTP/2 over TLS 1.2 and newer, with HSTS on every answer', () =>
    withNginx(tls, async ({ tlsPort }) => {
      const session = connectHttp2(`https://127.0.0.1:${tlsPort}`, {
        ca: readFileSync(join(directory.path, 'certificate')),
      });
      const ask = async (path: string): Promise<Record<string, unknown>> => {
        const stream = session.request({ ':path': path, ...bearer() });
        const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
        stream.resume();
        await once(stream, 'end');
        return headers;
      };
      const answers = [await ask('/api/v1/users/me'), await ask('/nowhere')];
      const protocol = (session.socket as unknown as { getProtocol(): string }).getProtocol();
      session.close();
      expect(protocol).toBe('TLSv1.3');
      expect(answers.map((headers) => headers[':status'])).toEqual([200, 404]);
      for (const headers of answers)
        expect(headers['strict-transport-security']).toMatch(/^max-age=31536000; includeSubDomains$/i);

      const old = connectTls({
        port: tlsPort,
        host: '127.0.0.1',
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        rejectUnauthorized: false,
      });
      const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
      expect(error.message).toMatch(/protocol|alert/i);
    }));

  it('keeps no answer, unless the micro-cache is on, and then only what is public', async () => {
    const cacheOf = async (nginx: Nginx, path: string, headers = {}): Promise<unknown[]> => {
      for (let n = 0; n < 3; n++) expect((await exchange(`${nginx.url}${path}`, { headers })).status).toBe(200);
      return (await nginx.logged(path, 3)).map(({ cache }) => cache);
    };
    await withNginx([], async (nginx) => expect(await cacheOf(nginx, '/.well-known/jwks.json')).toEqual(['', '', '']));
    await withNginx([MICRO_CACHE], async (nginx) => {
      expect(await cacheOf(nginx, '/.well-known/jwks.json')).toEqual(['MISS', 'HIT', 'HIT']);
      expect(await cacheOf(nginx, '/api/v1/users/me', bearer())).toEqual(['BYPASS', 'BYPASS', 'BYPASS']);
      expect(await cacheOf(nginx, '/api/docs/errors')).toEqual(['MISS', 'HIT', 'HIT']);
    });
  });

  it('sends no request on a connection that the process has closed, however late it hears of that', async () => {
    const { port } = new URL(app.url);
    const network = await TcpProxy.to('127.0.0.1', Number(port));
    const agent = new Agent({ keepAlive: true });
    const headers = { ...bearer(), 'content-type': 'application/json' };
    const changes: Change[] = [
      // A second of the process (KEEP_ALIVE_SECONDS) stands for its 75.
      ['taskflow/upstream.conf', 'keepalive_timeout 4s', 'keepalive_timeout 400ms'],
      // Longer than a busy database takes for ten tasks at once, and shorter than the test waits for a lost answer.
      ['taskflow/http.conf', 'proxy_read_timeout 25s', 'proxy_read_timeout 5s'],
    ];
    try {
      await withNginx(
        changes,
        async (nginx) => {
          const create = (): Promise<Answer>[] =>
            Array.from({ length: 10 }, (_, n) =>
              exchange(
                `${nginx.url}/api/v1/tasks`,
                { method: 'POST', agent, headers },
                JSON.stringify({ title: `${n}` }),
              ),
            );
          await Promise.all(create());
          // Whatever nginx still sends on these goes where the process has hung up already.
          network.forget();
          await eventually(async () => expect(await openConnections()).toBe(0));
          const afterIdle = await Promise.all(create());
          expect(afterIdle.map(({ status }) => status)).toEqual(afterIdle.map(() => 201));
        },
        `http://${network.address}`,
      );
    } finally {
      agent.destroy();
      await network.refuse();
    }
  });

  const openConnections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      app.app.getHttpServer().getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
});
