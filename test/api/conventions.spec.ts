import { request as httpRequest } from 'node:http';
import { AccessTokens } from '../../src/core/security/access-tokens.js';
import { startTestApp, type TestApp } from '../support/app.js';

const tokenOf = (app: TestApp, id = '0123456789abcdef01234567'): string =>
  `Bearer ${app.app.get(AccessTokens).issue({ id, role: 'user', version: 1 }, `session-of-${id}`)}`;

describe('conventions', () => {
  let app: TestApp;
  let token: string;
  beforeAll(async () => {
    app = await startTestApp({ CORS_ORIGINS: 'https://app.example.com' });
    token = tokenOf(app);
  });
  afterAll(() => app.close());

  const post = (body: string, type = 'application/json') =>
    app.http.post('/api/v1/tasks').set('Authorization', token).set('Content-Type', type).send(body);

  describe('request id', () => {
    it.each(['A.b_c-9', '0', 'x'.repeat(128)])('echoes the sane X-Request-Id %s, in problems too', async (id) => {
      const { headers } = await app.http.get('/api/health/live').set('X-Request-Id', id);
      expect(headers['x-request-id']).toBe(id);
      const problem = await app.http.get('/api/v1/tasks').set('X-Request-Id', id);
      expect([problem.headers['x-request-id'], problem.body.requestId]).toEqual([id, id]);
    });

    it.each(['with space', 'x'.repeat(129), '<script>', '', 'ünï'])('makes its own instead of %p', async (id) => {
      const { headers } = await app.http.get('/api/health/live').set('X-Request-Id', id);
      expect(headers['x-request-id']).toMatch(/^[\da-f]{8}(-?[\da-f]{4}){3}-?[\da-f]{12}$/);
    });
  });

  describe('media', () => {
    it('answers 400 request.malformed to what is not JSON', async () => {
      const { body, headers } = await post('{"title":').expect(400);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(body).toMatchObject({ code: 'request.malformed', status: 400, instance: '/api/v1/tasks' });
    });

    it('answers 400 to keys that would reach a prototype', async () => {
      await post('{"title":"a","__proto__":{"x":1}}').expect(400);
      await post('{"title":"a","constructor":{"prototype":{"x":1}}}').expect(400);
    });

    it('answers 415 to another media type', async () => {
      const { body } = await post('<a/>', 'application/xml').expect(415);
      expect(body.code).toBe('request.unsupported_media_type');
    });

    it('answers 413 to a body above 256 KiB', async () => {
      const { body } = await post(JSON.stringify({ title: 'a', description: 'x'.repeat(256 * 1024) })).expect(413);
      expect(body.code).toBe('request.too_large');
    });

    it('answers 422 to a body that nests too deep, however deep', async () => {
      const { body } = await post(`{"title":${'['.repeat(20_000)}${']'.repeat(20_000)}}`).expect(422);
      expect(body).toMatchObject({ code: 'input.invalid', errors: [{ pointer: '', code: 'too_deep' }] });
    });

    it('takes an empty body for no body, whatever its Content-Type', async () => {
      const { body } = await post('').expect(422);
      expect(body.errors).toContainEqual(expect.objectContaining({ pointer: '/title' }));
      await app.http
        .delete('/api/v1/tasks/0123456789abcdef01234567')
        .set('Authorization', token)
        .set('Content-Type', 'application/json')
        .expect(404);
      await app.http
        .delete('/api/v1/tasks/0123456789abcdef01234567')
        .set('Authorization', token)
        .set('Content-Type', 'text/plain')
        .expect(404);
    });

    it.each(['null', '[]', '"text"', '7'])('answers 422 to the body %s', async (text) => {
      const { body } = await post(text).expect(422);
      expect(body.code).toBe('input.invalid');
      const patch = app.http.patch('/api/v1/users/me').set('Authorization', token).type('json').send(text);
      expect((await patch.expect(422)).body.errors).toContainEqual(expect.objectContaining({ pointer: '' }));
    });
  });

  describe('input', () => {
    it('names every wrong field by its JSON pointer', async () => {
      const { body } = await post(JSON.stringify({ title: '', priority: 'huge', extra: 1, 'a/b~c': 2 })).expect(422);
      const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer).sort();
      expect(pointers).toEqual(['/a~1b~0c', '/extra', '/priority', '/title']);
      for (const error of body.errors) expect(Object.keys(error).sort()).toEqual(['code', 'message', 'pointer']);
    });

    it('does not take operators for values', async () => {
      await post(JSON.stringify({ title: { $ne: null } })).expect(422);
      await app.http.get('/api/v1/tasks?status[$ne]=done').set('Authorization', token).expect(422);
    });
  });

  describe('authentication', () => {
    it('answers 401 with WWW-Authenticate without a token', async () => {
      const { body, headers } = await app.http.get('/api/v1/tasks').expect(401);
      expect(headers['www-authenticate']).toBe('Bearer');
      expect(body.code).toBe('auth.token_missing');
    });

    it.each([
      ['a forged token', 'Bearer x.y.z'],
      ['no token behind Bearer', 'Bearer'],
      ['another scheme', 'Basic dTpw'],
      ['a huge token', `Bearer ${'a'.repeat(5000)}`],
    ])('answers 401 to %s', async (_what, value) => {
      const { body, headers } = await app.http.get('/api/v1/tasks').set('Authorization', value).expect(401);
      expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
      expect(body.code).toBe('auth.token_invalid');
    });

    it('does not tell what is behind the door: an unknown route is 404 for strangers too', async () => {
      await app.http.get('/api/v1/unknown').expect(404);
    });
  });

  describe('headers', () => {
    it('keeps user data out of shared caches and sends the security headers', async () => {
      const { headers } = await app.http.get('/api/v1/tasks').set('Authorization', token).expect(200);
      expect(headers['cache-control']).toBe('private, no-cache');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'");
      expect(headers['strict-transport-security']).toBeDefined();
      expect(headers['x-powered-by']).toBeUndefined();
    });

    it('allows the configured origin and no other', async () => {
      const allowed = await app.http.get('/api/health/live').set('Origin', 'https://app.example.com');
      expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example.com');
      const other = await app.http.get('/api/health/live').set('Origin', 'https://evil.example.com');
      expect(other.headers['access-control-allow-origin']).not.toBe('https://evil.example.com');
    });
  });

  it('answers 503 to nothing but outages: an absurd request line is a 4xx', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(`${app.url}/api/v1/tasks/${'%f0'.repeat(50)}`, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject).end();
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe('rate limit', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ RATE_LIMIT_PER_MINUTE: '5', TRUST_PROXY: '1' });
  });
  afterAll(() => app.close());

  const from = (ip: string) => app.http.get('/api/v1/tasks').set('X-Forwarded-For', ip);

  it('counts a stranger by address, says what is left, and answers 429 with Retry-After', async () => {
    for (let left = 4; left >= 0; left--) {
      const { headers } = await from('203.0.113.1').expect(401);
      expect(headers['ratelimit-policy']).toBe('"default";q=5;w=60');
      expect(headers['ratelimit']).toBe(`"default";r=${left};t=60`);
    }
    const { body, headers } = await from('203.0.113.1').expect(429);
    expect(body).toMatchObject({ code: 'rate_limit.exceeded', status: 429 });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(headers['ratelimit']).toMatch(/^"default";r=0;t=\d+$/);
    await from('203.0.113.2').expect(401);
  });

  it('counts an IPv6 customer by the /64', async () => {
    for (let host = 1; host <= 5; host++) await from(`2001:db8:1:1::${host}`).expect(401);
    await from('2001:db8:1:1:ffff::1').expect(429);
    await from('2001:db8:1:2::1').expect(401);
  });

  it('believes only the last hop: a spoofed X-Forwarded-For does not help', async () => {
    for (let i = 0; i < 5; i++) await from(`198.51.100.${i}, 203.0.113.9`).expect(401);
    await from('198.51.100.99, 203.0.113.9').expect(429);
  });

  it('counts a signed-in user by name, from whatever address', async () => {
    const token = tokenOf(app, 'aaaaaaaaaaaaaaaaaaaaaaaa');
    for (let i = 0; i < 5; i++) await from(`192.0.2.${i}`).set('Authorization', token).expect(200);
    await from('192.0.2.77').set('Authorization', token).expect(429);
    await from('192.0.2.77').set('Authorization', tokenOf(app, 'bbbbbbbbbbbbbbbbbbbbbbbb')).expect(200);
  });

  it('does not count probes', async () => {
    for (let i = 0; i < 10; i++)
      await app.http.get('/api/health/live').set('X-Forwarded-For', '203.0.113.50').expect(200);
  });
});

describe('without TRUST_PROXY', () => {
  it('believes no X-Forwarded-For at all', async () => {
    const app = await startTestApp({ RATE_LIMIT_PER_MINUTE: '2' });
    try {
      await app.http.get('/api/v1/tasks').set('X-Forwarded-For', '203.0.113.1').expect(401);
      await app.http.get('/api/v1/tasks').set('X-Forwarded-For', '203.0.113.2').expect(401);
      await app.http.get('/api/v1/tasks').set('X-Forwarded-For', '203.0.113.3').expect(429);
    } finally {
      await app.close();
    }
  });
});
