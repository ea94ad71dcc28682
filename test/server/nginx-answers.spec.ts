import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { BODY_LIMIT, BULK_BODY_LIMIT } from '../../src/core/http/limits.js';
import { errorCatalogue } from '../../src/core/errors/domain-error.js';
import { statusOfKind } from '../../src/core/errors/problem.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { exchange, type Answer } from '../support/fleet.js';
import { INSIDE, startNginx, type Change, type Nginx } from '../support/nginx.js';

/** Asserts a problem that nginx made: as the processes would have said it, and with what they would have sent along. */
function expectOwnProblem(answer: Answer, status: number, code: string): void {
  const problem = JSON.parse(answer.body) as Record<string, unknown>;
  expect({ status: answer.status, code: problem['code'] }).toEqual({ status, code });
  const { kind, title } = errorCatalogue.get(code)!;
  expect(statusOfKind[kind]).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(problem).toEqual({
    type: `/api/docs/errors#${code}`,
    title,
    status,
    code,
    detail: title,
    instance: expect.stringMatching(/^\//),
    requestId: answer.headers['x-request-id'],
  });
}

describe('nginx’ own answers', () => {
  let app: TestApp;
  let nginx: Nginx;
  let user: Client;

  beforeAll(async () => {
    app = await startTestApp({ TRUST_PROXY: '1' });
    nginx = await startNginx({ config: 'nginx.conf', upstreams: { api: [app.url] } });
    user = await signUp(nginx);
  });
  afterAll(async () => {
    await nginx?.stop();
    await app?.close();
  });

  const post = (path: string, bytes: number): Promise<Answer> => {
    const body = JSON.stringify({ title: 'padded', operations: undefined }).padEnd(bytes);
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' };
    return exchange(`${nginx.url}/api/v1${path}`, { method: 'POST', headers }, body);
  };
  const get = (path: string, from = nginx): Promise<Answer> => exchange(from.url, { path });
  /** Another nginx in front of the same application, or of somebody else. */
  const withNginx = async (changes: Change[], use: (it: Nginx) => Promise<void>, at = app.url): Promise<void> => {
    const other = await startNginx({ config: 'nginx.conf', upstreams: { api: [at] }, changes });
    try {
      await use(other);
    } finally {
      await other.stop();
    }
  };

  describe('a body', () => {
    it('as large as the processes take passes', async () => {
      expect((await post('/tasks', BODY_LIMIT)).status).toBe(201);
      expect((await post('/tasks/bulk', BULK_BODY_LIMIT)).status).toBe(422);
    });

    it('of one byte more is 413 without a process being asked', async () => {
      for (const answer of [await post('/tasks', BODY_LIMIT + 1), await post('/tasks/bulk', BULK_BODY_LIMIT + 1)]) {
        expectOwnProblem(answer, 413, 'request.too_large');
        const id = answer.headers['x-request-id'];
        // Once the rest of the body has come or the client is gone.
        await eventually(() =>
          expect(nginx.accessLog()).toContainEqual(
            expect.objectContaining({ requestId: id, method: 'POST', status: 413, upstream: '' }),
          ),
        );
      }
    });
  });

  describe('the outside', () => {
    it.each(['/metrics', '/metrics/', '//metrics', '/%6detrics', '/api/../metrics', '/metrics?a=b'])(
      'cannot see %s',
      async (path) => expectOwnProblem(await get(path), 404, 'route.not_found'),
    );

    it.each(['/api/health', '/api/health/', '/api/health/ready', '/api//health', '/api/health/./ready'])(
      'cannot see the details of health at %s',
      async (path) => expectOwnProblem(await get(path), 404, 'route.not_found'),
    );

    it('can ask whether nginx and a process run, and no more', async () => {
      const { status, body } = await get('/api/health/live');
      expect({ status, body: JSON.parse(body) as unknown }).toEqual({ status: 200, body: { status: 'ok' } });
    });

    it('gets nothing from elsewhere, without a process being asked', async () => {
      expectOwnProblem(await get('/wp-login.php'), 404, 'route.not_found');
      expectOwnProblem(await get('/.problem'), 404, 'route.not_found');
      expect(await nginx.logged('/wp-login.php', 1)).toMatchObject([{ upstream: '' }]);
    });

    it('is where nobody is whom site.conf names', () =>
      withNginx([INSIDE], async (inside) => {
        expect((await get('/metrics', inside)).body).toContain('process_cpu_seconds_total');
        expect(JSON.parse((await get('/api/health/ready', inside)).body)).toMatchObject({ checks: { mongo: 'up' } });
      }));
  });

  it('limits an address that floods, far above the limits of the processes', () =>
    withNginx([['site.conf', 'burst=300', 'burst=3']], async (strict) => {
      const answers = await Promise.all(Array.from({ length: 30 }, () => get('/api/v1/tasks', strict)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(10);
      for (const answer of refused) {
        expectOwnProblem(answer, 429, 'rate_limit.exceeded');
        expect(answer.headers['retry-after']).toBe('1');
      }
      const other = await exchange(`${strict.url}/api/v1/tasks`, { localAddress: '127.0.0.2' });
      expect(other.status).toBe(401);
    }));

  describe('a balancer in front that site.conf names', () => {
    const TRUSTED: Change[] = [
      ['site.conf', '# set_real_ip_from 10.0.0.0/16;', 'set_real_ip_from 127.0.0.1;'],
      ['site.conf', '# real_ip_header', 'real_ip_header'],
      ['site.conf', '# real_ip_recursive', 'real_ip_recursive'],
    ];
    const as = (forwarded: string, from: Nginx, localAddress = '127.0.0.1'): Promise<Answer> =>
      exchange(`${from.url}/api/v1/tasks`, { headers: { 'x-forwarded-for': forwarded }, localAddress });

    it('is believed about the client, whose own claims are not, and nobody else is', () =>
      withNginx(TRUSTED, async (trusting) => {
        await as('198.51.100.9, 203.0.113.5', trusting);
        await as('203.0.113.5', trusting, '127.0.0.2');
        expect((await trusting.logged('/api/v1/tasks', 2)).map(({ ip }) => ip)).toEqual(['203.0.113.5', '127.0.0.2']);
      }));

    it('makes an IPv6 customer one client, whichever of its addresses it takes', () =>
      withNginx(
        [...TRUSTED, ['site.conf', 'rate=100r/s', 'rate=1r/m'], ['site.conf', 'burst=300', 'burst=2']],
        async (strict) => {
          const statuses = [];
          for (let n = 1; n <= 5; n++) statuses.push((await as(`2001:db8:0:1::${n}`, strict)).status);
          expect(statuses).toEqual([401, 401, 401, 429, 429]);
          expect((await as('2001:db8:0:2::1', strict)).status).toBe(401);
        },
      ));
  });

  describe('what cannot be read', () => {
    const raw = async (text: string): Promise<string> => {
      const socket = connect({ port: Number(new URL(nginx.url).port), host: '127.0.0.1' });
      let answer = '';
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      socket.write(text);
      await once(socket, 'close');
      return answer;
    };
    const answerTo = async (text: string): Promise<Answer> => {
      const [head = '', body = ''] = (await raw(text)).split('\r\n\r\n');
      const [first = '', ...fields] = head.split('\r\n');
      const headers: Record<string, string> = {};
      for (const field of fields) headers[field.split(': ')[0]!.toLowerCase()] = field.split(': ')[1]!;
      const bytes = Buffer.from(body);
      return { status: Number(first.split(' ')[1]), headers, body, bytes };
    };

    it.each([
      ['no request at all', 'hello\r\n\r\n', 400, 'request.malformed'],
      ['a request without a host', 'GET /api/v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'request.malformed'],
      [
        'an unknown coding',
        'POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nConnection: close\r\n\r\n',
        400,
        'request.malformed',
      ],
      [
        'a line that is too long',
        `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
        431,
        'request.header_too_large',
      ],
      [
        'a field that is too long',
        `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`,
        431,
        'request.header_too_large',
      ],
      ['TRACE', 'TRACE /api/v1/tasks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404, 'route.not_found'],
    ])('is a problem too: %s', async (_what, text, status, code) =>
      expectOwnProblem(await answerTo(text), status, code),
    );

    it('cannot change the form of the problem', async () => {
      const answer = await answerTo('GET /x","status":200,"y":" HTTP/1.1\r\nHost: a"b\r\nConnection: close\r\n\r\n');
      expect(JSON.parse(answer.body)).toMatchObject({ status: answer.status, instance: '/' });
    });
  });

  describe('a process that does not answer', () => {
    let silent: Server;
    beforeAll(async () => {
      silent = createServer(() => undefined).listen(0, '127.0.0.1');
      await once(silent, 'listening');
    });
    afterAll(() => void silent.close());

    it('is given up after its own time limits would have, with 503 request.timeout', () =>
      withNginx(
        [['taskflow/http.conf', 'proxy_read_timeout 25s', 'proxy_read_timeout 300ms']],
        async (impatient) => {
          const answer = await get('/api/v1/tasks', impatient);
          expectOwnProblem(answer, 503, 'request.timeout');
          expect(answer.headers['retry-after']).toBe('2');
        },
        `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      ));
  });
});
