import mongoose, { type Connection, type Model, type mongo } from 'mongoose';
import { Clock } from '../time/clock.js';
import { Leases, type Lease } from './lease.repository.js';
import { LEASE_MODEL, leaseSchema, type LeaseDocument } from './lease.schema.js';
import { checksumOf, type Migration } from './migration.js';

interface AppliedMigration {
  _id: string;
  checksum: string;
  at: Date;
  durationMs: number;
}

export interface MigrationState {
  readonly name: string;
  /**
   * `changed`: applied, and its steps read otherwise now. `unknown`: applied by a newer release, which this one bears.
   */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
  readonly at?: Date;
}

/** The migrations of a database: which it has had, and those that it has still to get. */
export class Migrations {
  private readonly applied: mongo.Collection<AppliedMigration>;
  private readonly leases: Leases;

  constructor(
    private readonly connection: Connection,
    private readonly all: readonly Migration[],
    private readonly log: (line: string) => void,
    private readonly clock = new Clock(),
  ) {
    this.applied = connection.db!.collection('migrations');
    const leaseModel = connection.models[LEASE_MODEL] ?? connection.model(LEASE_MODEL, leaseSchema);
    this.leases = new Leases(leaseModel as Model<LeaseDocument>, clock);
  }

  /** Over a connection of its own, which bears that the server says nothing while it builds a large index. */
  static async at<T>(
    uri: string,
    all: readonly Migration[],
    log: (line: string) => void,
    work: (migrations: Migrations, connection: Connection) => Promise<T>,
  ): Promise<T> {
    const options = { autoCreate: false, autoIndex: false, maxPoolSize: 2, socketTimeoutMS: 0 };
    const connection = await mongoose.createConnection(uri, options).asPromise();
    try {
      return await work(new Migrations(connection, all, log), connection);
    } finally {
      await connection.close();
    }
  }

  /** All of them, in order; then those that only the database knows. */
  async states(): Promise<MigrationState[]> {
    const found = await this.applied.find({}, { readPreference: 'primary' }).sort({ _id: 1 }).toArray();
    const rest = new Map(found.map((row) => [row._id, row]));
    const known = this.all.map((migration): MigrationState => {
      const { name } = migration;
      const row = rest.get(name);
      rest.delete(name);
      if (!row) return { name, state: 'pending' };
      return { name, state: row.checksum === checksumOf(migration) ? 'applied' : 'changed', at: row.at };
    });
    return [...known, ...[...rest.values()].map(({ _id: name, at }) => ({ name, state: 'unknown' as const, at }))];
  }

  async pending(): Promise<Migration[]> {
    const states = await this.states();
    return this.all.filter(({ name }) => states.some((one) => one.name === name && one.state === 'pending'));
  }

  /**
   * Applies what is pending, in order, while no other process does; one that waited looks again.
   * @returns the names of those that this run has applied
   */
  async apply(): Promise<string[]> {
    if ((await this.pending()).length === 0) return [];
    const waiting = (): void => this.log('waits: another process migrates this database, or was killed a moment ago');
    return this.leases.keeping('migrations', waiting, async (lease) => {
      const pending = await this.pending();
      for (const migration of pending) await this.applyOne(migration, lease);
      return pending.map(({ name }) => name);
    });
  }

  private async applyOne(migration: Migration, lease: Lease): Promise<void> {
    const { name, steps } = migration;
    const begunAt = performance.now();
    for (const { run } of steps) {
      lease.assertHeld();
      await run(this.connection.db!).catch((error: Error) => {
        // A unique index that cannot be built is refused with somebody's value.
        throw new Error(`${name}: ${error.message.replace(/ dup key: .*/s, '')}`, { cause: error });
      });
    }
    lease.assertHeld();
    const durationMs = Math.round(performance.now() - begunAt);
    const row = { checksum: checksumOf(migration), at: this.clock.now(), durationMs };
    await this.applied.updateOne({ _id: name }, { $setOnInsert: row }, { upsert: true });
    this.log(`applied ${name} in ${durationMs} ms`);
  }
}
