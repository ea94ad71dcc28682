import mongoose, { type Connection } from 'mongoose';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Migration } from '../../src/core/mongo/migration.js';
import { Migrations } from '../../src/core/mongo/migrations.js';
import { Leases } from '../../src/core/mongo/lease.repository.js';
import { LEASE_MODEL, leaseSchema, type LeaseDocument } from '../../src/core/mongo/lease.schema.js';
import { Clock } from '../../src/core/time/clock.js';
import { MIGRATIONS } from '../../src/migrations/index.js';
import { SCHEMAS, indexDifference } from '../../src/migrations/index-difference.js';
import { startTestApp, startTestDatabase } from '../support/app.js';
import { eventually } from '../support/eventually.js';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let connection: Connection;
let lines: string[];

beforeEach(async () => {
  database = await startTestDatabase();
  connection = await mongoose.createConnection(database.uri, { autoCreate: false, autoIndex: false }).asPromise();
  lines = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await connection.close();
  await database.close();
});

const migrations = (all: readonly Migration[] = MIGRATIONS): Migrations =>
  new Migrations(connection, all, (line) => lines.push(line));

/** A migration of one step. */
const migration = (name: string, run: () => Promise<unknown>, does = name): Migration => ({
  name,
  steps: [{ does, run }],
});
const nothing = (): Promise<void> => Promise.resolve();

const indexesOf = async (collection: string): Promise<string[]> =>
  (await connection.collection(collection).indexes()).map(({ name }) => name!).toSorted();

describe('The migrations of this release', () => {
  it('leave exactly the indexes that the schemas declare', async () => {
    expect((await indexDifference(connection)).length).toBeGreaterThan(0);
    expect(await migrations().apply()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await indexDifference(connection)).toEqual([]);
  });

  it('find nothing to change in a database that a process made before there were migrations', async () => {
    for (const schema of SCHEMAS) await connection.model(`before ${schema.get('collection')}`, schema).createIndexes();
    const before = await Promise.all(['users', 'tasks', 'sessions', 'audit'].map(indexesOf));
    await migrations().apply();
    expect(await Promise.all(['users', 'tasks', 'sessions', 'audit'].map(indexesOf))).toEqual(before);
    expect(await indexDifference(connection)).toEqual([]);
  });

  it('bear being begun again', async () => {
    for (const { steps } of MIGRATIONS) for (const { run } of steps) await run(connection.db!);
    await migrations().apply();
    expect(await indexDifference(connection)).toEqual([]);
  });

  it('have names in order, and none twice', () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
    for (const [i, name] of names.entries()) expect(name).toMatch(new RegExp(`^${String(i + 1).padStart(4, '0')}-`));
  });

  it('are compared with the schemas of all collections', async () => {
    const app = await startTestApp();
    const { models } = app.app.get<Connection>(getConnectionToken());
    const inUse = Object.values(models).map((model) => model.collection.name);
    await app.close();
    expect(SCHEMAS.map((schema) => schema.get('collection')).toSorted()).toEqual(inUse.toSorted());
  });

  it('are reported as different when an index was added or dropped by hand', async () => {
    await migrations().apply();
    await connection.collection('tasks').createIndex({ title: 1 });
    await connection.collection('users').dropIndex('terms_1');
    expect((await indexDifference(connection)).toSorted()).toEqual([
      'missing   users {"terms":1}',
      'obsolete  tasks title_1',
    ]);
  });
});

describe('A run', () => {
  it('applies what is pending in order, and each migration once', async () => {
    const ran: string[] = [];
    const [first, second, third] = ['0001-a', '0002-b', '0003-c'].map((name) =>
      migration(name, async () => void ran.push(name)),
    );
    await migrations([first!]).apply();
    expect(await migrations([first!, second!, third!]).apply()).toEqual(['0002-b', '0003-c']);
    expect(await migrations([first!, second!, third!]).apply()).toEqual([]);
    expect(ran).toEqual(['0001-a', '0002-b', '0003-c']);
  });

  it('waits while another works, and then finds nothing to do', async () => {
    let inside = 0;
    let most = 0;
    let times = 0;
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const slow = migration('0001-slow', async () => {
      times++;
      most = Math.max(most, ++inside);
      await finished;
      inside--;
    });
    const runs = [1, 2, 3].map(() => migrations([slow]).apply());
    await eventually(() => expect(lines.filter((line) => line.startsWith('waits'))).toHaveLength(2));
    const looks = jest.spyOn(Leases.prototype, 'acquire');
    await eventually(() => expect(looks.mock.calls.length).toBeGreaterThan(4));
    finish();
    expect((await Promise.all(runs)).flat()).toEqual(['0001-slow']);
    expect([times, most]).toEqual([1, 1]);
  });

  it('that fails keeps what it has done, says which and why, and the next one goes on from there', async () => {
    let fails = true;
    const all = [
      migration('0001-a', nothing),
      migration('0002-b', () => (fails ? Promise.reject(new Error('no room')) : nothing())),
      migration('0003-c', nothing),
    ];
    await expect(migrations(all).apply()).rejects.toThrow('0002-b: no room');
    expect((await migrations(all).states()).map(({ state }) => state)).toEqual(['applied', 'pending', 'pending']);
    fails = false;
    expect(await migrations(all).apply()).toEqual(['0002-b', '0003-c']);
  });

  it('that lost its lease goes no further, and leaves the migration to the next one', async () => {
    const renewals = jest.spyOn(Leases.prototype, 'acquire');
    let hasGoneOn = false;
    const frozen: Migration = {
      name: '0001-frozen',
      steps: [
        {
          does: 'as if the process were stopped until somebody else has the lease',
          run: async () => {
            const stolen = { holder: 'somebody', until: new Date('2999-01-01') };
            await connection.collection('leases').updateOne({ _id: 'migrations' as never }, { $set: stolen });
            await eventually(async () => expect(await renewals.mock.results.at(-1)!.value).toBe(false));
          },
        },
        { does: 'goes on', run: async () => void (hasGoneOn = true) },
      ],
    };
    await expect(migrations([frozen]).apply()).rejects.toThrow('the lease "migrations" was lost');
    expect(hasGoneOn).toBe(false);
    expect((await migrations([frozen]).states()).map(({ state }) => state)).toEqual(['pending']);
  });

  it('does not repeat in its message whose value stood in the way of a unique index', async () => {
    const users = connection.collection('users');
    await users.insertMany([{ emailKey: 'ada@example.org' }, { emailKey: 'ada@example.org' }]);
    const failure = await migrations()
      .apply()
      .catch((error: Error) => error.message);
    expect(failure).toMatch(/^0001-initial-indexes: .*E11000/);
    expect(failure).not.toContain('ada@');
  });

  it('of an older release leaves alone what a newer one has applied', async () => {
    const old = [migration('0001-a', nothing)];
    await migrations([...old, migration('0002-b', nothing)]).apply();
    expect(await migrations(old).apply()).toEqual([]);
    const states = (await migrations(old).states()).map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual(['0001-a applied', '0002-b unknown']);
  });

  it('shows that a migration was changed after it had been applied, and does not repeat it', async () => {
    await migrations([migration('0001-a', nothing, 'one thing')]).apply();
    const changed = [migration('0001-a', () => Promise.reject(new Error('ran again')), 'another thing')];
    expect(await migrations(changed).apply()).toEqual([]);
    expect((await migrations(changed).states()).map(({ state }) => state)).toEqual(['changed']);
  });
});

describe('A lease that is kept', () => {
  const leases = (): Leases => new Leases(connection.model<LeaseDocument>(LEASE_MODEL, leaseSchema), new Clock());

  it('lasts as long as the work, which is longer than it would last by itself', async () => {
    const [mine, stored] = [leases(), connection.collection('leases')];
    await mine.keeping(
      'long',
      () => undefined,
      async (lease) => {
        const begun = await stored.findOne({ _id: 'long' as never });
        await eventually(async () => {
          const renewed = await stored.findOne({ _id: 'long' as never });
          expect(renewed!['until'] > begun!['until']).toBe(true);
        });
        lease.assertHeld();
      },
    );
    expect(await stored.findOne({ _id: 'long' as never })).toBeNull();
  });

  it('tells the work when somebody else has it now', async () => {
    const stored = connection.collection('leases');
    const work = leases().keeping(
      'stolen',
      () => undefined,
      async (lease) => {
        await stored.updateOne(
          { _id: 'stolen' as never },
          { $set: { holder: 'somebody', until: new Date('2999-01-01') } },
        );
        await eventually(() => expect(() => lease.assertHeld()).toThrow('was lost'));
        lease.assertHeld();
      },
    );
    await expect(work).rejects.toThrow('the lease "stolen" was lost');
    expect(await stored.findOne({ _id: 'stolen' as never })).toMatchObject({ holder: 'somebody' });
  });
});

describe('A process in production', () => {
  const production = { NODE_ENV: 'production', SECRET_KEY: 'Zq8#vN2!kLm5$xR9@wT4&yB7*cF1^hJ6' };

  it('that finds migrations pending lives, is not ready, changes nothing, and is ready once they are applied', async () => {
    const app = await startTestApp({ ...production, MIGRATE_AT_START: '', MONGODB_URI: database.uri });
    try {
      await app.http.get('/api/health/live').expect(200);
      await app.http.get('/api/health/ready').expect(503);
      expect((await migrations().pending()).map(({ name }) => name)).toEqual(MIGRATIONS.map(({ name }) => name));
      await migrations().apply();
      await eventually(() => app.http.get('/api/health/ready').expect(200));
    } finally {
      await app.close();
    }
  });

  it('is ready beside what a newer release has applied', async () => {
    await migrations([...MIGRATIONS, migration('9999-of-the-next-release', nothing)]).apply();
    const app = await startTestApp({ ...production, MIGRATE_AT_START: '', MONGODB_URI: database.uri });
    await app.http.get('/api/health/ready').expect(200);
    await app.close();
  });
});
