import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from '../support/app.js';
import { signUp } from '../support/clients.js';
import { failedStart, processesOfEachTest } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import mongoose from 'mongoose';

const SECRET_KEY = 'a test key that signs the cursors of one run only';

describe('A worker', () => {
  const { start } = processesOfEachTest();
  let database: Awaited<ReturnType<typeof startTestDatabase>>;
  beforeEach(async () => {
    database = await startTestDatabase();
  });
  afterEach(() => database.close());

  const shared = (): Record<string, string> => ({ MONGODB_URI: database.uri, SECRET_KEY });

  it('does what API processes leave to it, has no routes of the API, and needs no keys', async () => {
    const api = await start({ ...shared(), ROLE: 'api', JWT_KEYS: generateJwtKey() });
    const ada = await signUp(api);
    await ada.post('/tasks').send({ title: 'A task' }).expect(201);
    const connection = await mongoose.createConnection(database.uri).asPromise();
    const logged = (): Promise<number> => connection.collection('events').countDocuments({ name: 'task.created' });
    const leases = (): Promise<number> =>
      connection.collection('leases').countDocuments({ _id: /^background/ as never });
    try {
      expect([await leases(), await logged()]).toEqual([0, 0]);
      const worker = await start({ ...shared(), ROLE: 'worker' });
      await eventually(async () => expect(await logged()).toBe(1), 15_000);
      await worker.http.get('/api/health/live').expect(200);
      await worker.http.get('/api/health/ready').expect(200);
      await worker.http.get('/metrics').expect(200);
      for (const path of ['/api/v1/tasks', '/api/v1/auth/login', '/api/docs', '/api/openapi.json'])
        expect((await worker.http.get(path)).body).toMatchObject({ status: 404, code: 'route.not_found' });
      expect(await worker.end('SIGTERM')).toEqual({ code: 0, signal: null });
      // Given back, so that another worker goes on at once.
      expect(await leases()).toBe(0);
    } finally {
      await connection.close();
    }
  });

  it('refuses the store that belongs to one process', async () => {
    const { code, output } = await failedStart({ ROLE: 'worker' });
    expect(code).toBe(1);
    expect(output).toContain('ROLE: api and worker need MONGODB_URI');
  });
});
