import { startTestApp, type TestApp } from '../support/app.js';

describe('operations', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  describe('GET /api/health', () => {
    it('answers ok with a line per dependency', async () => {
      const { body } = await app.http.get('/api/health').expect(200);
      expect(body).toEqual({ status: 'ok', checks: { mongo: 'up' } });
    });
  });

  describe('GET /api/health/live and /ready', () => {
    it('answers 200 while the process runs', async () => {
      const { body } = await app.http.get('/api/health/live').expect(200);
      expect(body).toEqual({ status: 'ok' });
    });

    it('is ready after the first contact with the database', async () => {
      const { body } = await app.http.get('/api/health/ready').expect(200);
      expect(body).toEqual({ status: 'ok', checks: { mongo: 'up' } });
    });
  });

  describe('GET /metrics', () => {
    it('is Prometheus text with the requests by route', async () => {
      await app.http.get('/api/health/live');
      const { text, headers } = await app.http.get('/metrics').expect(200);
      expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(text).toMatch(
        /http_request_duration_seconds_count\{method="GET",route="\/api\/health\/live",status="200"\} \d+/,
      );
    });
  });

  describe('an address that is not there', () => {
    it('is a problem with a stable code and the request id', async () => {
      const { body, headers } = await app.http.get('/api/v1/nothing').set('X-Request-Id', 'abc-1.2_3').expect(404);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(headers['x-request-id']).toBe('abc-1.2_3');
      expect(body).toEqual({
        type: expect.stringMatching(/^http:\/\/.*\/api\/docs\/errors#route\.not_found$/),
        title: 'There is nothing at this address.',
        status: 404,
        code: 'route.not_found',
        detail: 'There is nothing at this address.',
        instance: '/api/v1/nothing',
        requestId: 'abc-1.2_3',
      });
    });

    it('is 400 when it cannot be decoded', async () => {
      const { body } = await app.http.get('/api/v1/%zz').expect(400);
      expect(body.code).toBe('request.malformed');
    });
  });
});
