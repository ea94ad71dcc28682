import mongoose from 'mongoose';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/problems.js';

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
        /taskflow_http_request_duration_seconds_count\{method="GET",route="\/api\/health\/live",status="200"\} \d+/,
      );
    });
  });

  describe('GET /metrics with METRICS_TOKEN', () => {
    const token = 'Xw7-q2Lr_Tz9-mK4v';
    const scrape = async (environment: Record<string, string>, authorization?: string) => {
      const running = await startTestApp(environment);
      try {
        const asked = running.http.get('/metrics');
        return await (authorization === undefined ? asked : asked.set('authorization', authorization));
      } finally {
        await running.close();
      }
    };

    it('is for who has it', async () => {
      expect((await scrape({ METRICS_TOKEN: token }, `Bearer ${token}`)).status).toBe(200);
    });

    it('is 401 without it', async () => {
      expectProblem(await scrape({ METRICS_TOKEN: token }), 401, 'auth.token_missing');
    });

    it.each([`Bearer ${token}x`, `Bearer ${token.slice(1)}`, 'Bearer ', token, `Basic ${token}`])(
      'is 401 for %s',
      async (authorization) => {
        const answer = await scrape({ METRICS_TOKEN: token }, authorization);
        expectProblem(answer, 401, 'auth.token_invalid');
        expect(answer.text).not.toContain('process_cpu');
      },
    );

    const production = { NODE_ENV: 'production', SECRET_KEY: 'Zq8#vN2!kLm5$xR9@wT4&yB7*cF1^hJ6' };
    it('is 404 in production while there is none, and open to who has it', async () => {
      expectProblem(await scrape(production), 404, 'route.not_found');
      expect((await scrape({ ...production, METRICS_TOKEN: token }, `Bearer ${token}`)).status).toBe(200);
      expectProblem(await scrape({ ...production, METRICS_TOKEN: token }), 401, 'auth.token_missing');
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

describe('closing', () => {
  it('gives the background work back, so that the next process goes on at once', async () => {
    const database = await startTestDatabase();
    const connection = await mongoose.createConnection(database.uri).asPromise();
    const holders = () => connection.collection<{ _id: string }>('leases').countDocuments({ _id: 'background' });
    try {
      const first = await startTestApp({ MONGODB_URI: database.uri });
      await eventually(async () => expect(await holders()).toBe(1));
      await first.close();
      expect(await holders()).toBe(0);
    } finally {
      await connection.close();
      await database.close();
    }
  });
});
