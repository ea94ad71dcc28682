import request from 'supertest';
import { CacheStore } from '../../src/core/cache/cache.store.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { aTask } from '../support/tasks.js';

/** Header fields that belong to every answer of a kind, whatever route it comes from. */
let app: TestApp;
let ada: Client;
let admin: Client;
beforeAll(async () => {
  app = await startTestApp({ CORS_ORIGINS: 'https://app.example.com,https://other.example.com' });
  [ada, admin] = await Promise.all([signUp(app), signUpAdmin(app)]);
});
afterAll(() => app.close());

const as = (client: Client, path: string, method: 'get' | 'head' = 'get') =>
  request(app.url)[method](path).set('authorization', `Bearer ${client.token}`);

describe('HEAD', () => {
  it.each(['/api/v1/tasks', '/api/v1/tasks/stats', '/api/v1/users/me', '/api/v1/auth/sessions', '/api/health'])(
    '%s answers the header fields of GET and no body',
    async (path) => {
      await as(ada, path).expect(200);
      const [get, head] = [await as(ada, path), await as(ada, path, 'head')];
      expect([head.status, head.text ?? '']).toEqual([200, '']);
      for (const name of ['content-type', 'content-length', 'cache-control', 'cache-status', 'etag', 'link']) {
        expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
      }
    },
  );

  it('of a task has its ETag and is 304 for who has it', async () => {
    const { id } = await aTask(ada);
    expect((await as(ada, `/api/v1/tasks/${id}`, 'head')).headers['etag']).toBe('"1"');
    await as(ada, `/api/v1/tasks/${id}`, 'head').set('if-none-match', 'W/"1"').expect(304);
  });

  it('of what is not there is 404 without a body', async () => {
    const answer = await as(ada, '/api/v1/tasks/0123456789abcdef01234567', 'head');
    expect([answer.status, answer.text ?? '']).toEqual([404, '']);
  });
});

describe('RateLimit fields', () => {
  const limited: [what: string, answer: () => PromiseLike<request.Response>, status: number][] = [
    ['200', () => ada.get('/tasks'), 200],
    ['201', () => ada.post('/tasks').send({ title: 'a' }), 201],
    ['204', async () => ada.delete(`/tasks/${(await aTask(ada)).id}`), 204],
    ['304', () => ada.get('/tasks/stats').set('if-none-match', '*'), 304],
    ['401', () => app.http.get('/api/v1/users/me'), 401],
    ['403', () => ada.get('/admin/users'), 403],
    ['404', () => ada.get('/tasks/x'), 404],
    ['409', () => app.http.post('/api/v1/auth/register').send({ ...newAccount(), email: ada.email }), 409],
    [
      '412',
      async () =>
        ada
          .patch(`/tasks/${(await aTask(ada)).id}`)
          .set('if-match', '"9"')
          .send({}),
      412,
    ],
    ['422', () => ada.post('/tasks').send({}), 422],
    ['a cached answer', () => ada.get('/tasks/stats'), 200],
    ['public keys', () => app.http.get('/api/v1/auth/.well-known/jwks.json'), 200],
  ];
  it.each(limited)('are on %s', async (_what, answer, status) => {
    const { headers, status: got } = await answer();
    expect(got).toBe(status);
    expect(headers['ratelimit-policy']).toMatch(/^"default";q=1000000;w=60/);
    expect(headers['ratelimit']).toMatch(/^"default";r=\d+;t=\d+/);
  });

  it('count one for each request, whichever route', async () => {
    const bob = await signUp(app);
    const left = async (path: string): Promise<number> =>
      Number(/r=(\d+)/.exec((await bob.get(path)).headers['ratelimit']!)![1]);
    const first = await left('/tasks');
    expect([await left('/tasks'), await left('/users/me'), await left('/tasks/x')]).toEqual([
      first - 1,
      first - 2,
      first - 3,
    ]);
  });
});

describe('Cache-Control', () => {
  const kept: [what: string, answer: () => PromiseLike<request.Response>, value: string][] = [
    ['a list', () => ada.get('/tasks'), 'private, no-cache'],
    ['numbers', () => ada.get('/tasks/stats'), 'private, no-cache'],
    ['a new task', () => ada.post('/tasks').send({ title: 'a' }), 'private, no-cache'],
    ['a profile', () => ada.get('/users/me'), 'private, no-cache'],
    ['sessions', () => ada.get('/auth/sessions'), 'private, no-cache'],
    ['an admin’s list', () => admin.get('/admin/users'), 'private, no-cache'],
    ['an admin’s numbers', () => admin.get('/admin/stats'), 'private, no-cache'],
    ['the audit', () => admin.get('/admin/audit'), 'private, no-cache'],
    ['304', () => ada.get('/tasks/stats').set('if-none-match', '*'), 'private, no-cache'],
    ['tokens of a registration', () => app.http.post('/api/v1/auth/register').send(newAccount()), 'no-store'],
    ['tokens of a sign-in', () => app.http.post('/api/v1/auth/login').send(credentials(ada)), 'no-store'],
    [
      'a refused sign-in',
      () => app.http.post('/api/v1/auth/login').send({ ...credentials(ada), password: 'x' }),
      'no-store',
    ],
    ['a refused refresh', () => app.http.post('/api/v1/auth/refresh'), 'no-store'],
    ['a problem', () => ada.get('/tasks/x'), 'no-store'],
    ['an unknown address', () => app.http.get('/nowhere'), 'no-store'],
    ['public keys', () => app.http.get('/.well-known/jwks.json'), 'public, max-age=300'],
    ['health', () => app.http.get('/api/health'), 'private, no-cache'],
  ];
  const credentials = ({ email, password }: Client) => ({ email, password });
  it.each(kept)('of %s', async (_what, answer, value) => {
    expect((await answer()).headers['cache-control']).toBe(value);
  });
});

describe('ETag of user data', () => {
  const readable: [path: string, client: () => Client][] = [
    ['/tasks', () => ada],
    ['/tasks?q=a', () => ada],
    ['/tasks?sort=relevance&q=a', () => ada],
    ['/tasks/stats', () => ada],
    ['/users/me', () => ada],
    ['/auth/sessions', () => ada],
    ['/admin/stats', () => admin],
    ['/admin/users', () => admin],
    ['/admin/audit', () => admin],
  ];
  it.each(readable)('GET %s has one, strong or weak it is 304, and without it the answer', async (path, client) => {
    const answer = await client().get(path).expect(200);
    const etag = answer.headers['etag']!;
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, text, headers } = await client().get(path).set('if-none-match', known);
      expect([status, text, headers['etag'], headers['content-type']]).toEqual([304, '', etag, undefined]);
    }
    expect((await client().get(path).set('if-none-match', '"other"').expect(200)).body).toEqual(answer.body);
    expect((await client().get(path).set('if-none-match', 'other')).body).toMatchObject({ code: 'request.malformed' });
  });

  it('changes with what it names', async () => {
    const before = (await ada.get('/auth/sessions')).headers['etag'];
    await signIn(app, ada);
    expect((await ada.get('/auth/sessions').set('if-none-match', before!).expect(200)).headers['etag']).not.toBe(
      before,
    );
  });
});

describe('a cached answer', () => {
  const kept: [path: string, client: () => Client, seconds: number][] = [
    ['/tasks/stats', () => ada, 300],
    ['/tasks', () => ada, 30],
    ['/users/me', () => ada, 600],
  ];
  // Up to a tenth less, so that entries made together do not end together.
  it.each(kept)('of %s is kept no longer than the contract says', async (path, client, seconds) => {
    const written = app.apps.map((one) => jest.spyOn(one.get(CacheStore), 'write'));
    await ada.post('/tasks').send({ title: 'forgets' }).expect(201);
    await ada
      .patch('/users/me')
      .send({ name: `Ada ${path}` })
      .expect(200);
    await client().get(path).expect(200);
    await client().get(path).expect(200);
    const times = written.flatMap(({ mock }) => mock.calls.map(([, , , , ttlMs]) => ttlMs));
    jest.restoreAllMocks();
    expect(times).toEqual([expect.any(Number)]);
    expect(times[0]).toBeLessThanOrEqual(seconds * 1000);
    expect(times[0]).toBeGreaterThanOrEqual(seconds * 900);
  });
});

describe('a problem on a cached route', () => {
  it('has no field of the answer that it stands for', async () => {
    await aTask(ada);
    await aTask(ada);
    await ada.get('/tasks?limit=1').expect(200);
    for (const answer of [await ada.get('/tasks?limit=1').set('if-none-match', 'x'), await ada.get('/tasks?limit=x')]) {
      expect([400, 422]).toContain(answer.status);
      for (const name of ['etag', 'link', 'cache-status'])
        expect([name, answer.headers[name]]).toEqual([name, undefined]);
    }
  });
});

describe('a request from a page of another origin', () => {
  const preflight = (origin: string, method: string) =>
    app.http.options('/api/v1/tasks/x').set({
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,if-match,idempotency-key',
    });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('may be %s with our fields', async (method) => {
    for (const origin of ['https://app.example.com', 'https://other.example.com']) {
      const { headers, status } = await preflight(origin, method);
      expect([status, headers['access-control-allow-origin']]).toEqual([204, origin]);
      expect(headers['access-control-allow-credentials']).toBe('true');
      expect(headers['access-control-allow-methods']).toMatch(new RegExp(`\\b${method}\\b`));
      expect(headers['access-control-allow-headers']).toBe('authorization,content-type,if-match,idempotency-key');
      expect(headers['vary']).toMatch(/Origin/);
    }
  });

  it.each(['https://evil.example.com', 'https://app.example.com.evil.com', 'http://app.example.com', 'null'])(
    'is not allowed from %s',
    async (origin) => {
      expect((await preflight(origin, 'PATCH')).headers['access-control-allow-origin']).toBeUndefined();
      const read = await ada.get('/tasks').set('origin', origin);
      expect(read.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('may read the fields that the contract names, on problems too', async () => {
    for (const path of ['/tasks', '/tasks/x']) {
      const { headers } = await ada.get(path).set('origin', 'https://app.example.com');
      const exposed = headers['access-control-expose-headers']!.toLowerCase().split(/, */);
      const named = [
        'cache-status',
        'etag',
        'idempotency-replayed',
        'link',
        'location',
        'ratelimit',
        'ratelimit-policy',
      ];
      expect(exposed).toEqual(expect.arrayContaining([...named, 'retry-after', 'www-authenticate', 'x-request-id']));
    }
  });

  it('asks with OPTIONS; what is no such question gets no page of text', async () => {
    const answer = await app.http.options('/api/v1/tasks');
    expect([answer.status, answer.text]).toEqual([204, '']);
  });
});
