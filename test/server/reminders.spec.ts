import mongoose, { type Connection } from 'mongoose';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { latenessOf, percentile, remindersWithinAMinute, type Told } from '../support/reminders.js';

/** `REMINDERS=10000` is the load that docs/adr tells of; it takes minutes. */
const REMINDERS = Number(process.env['REMINDERS'] ?? 1000);
const USERS = 10;
const MINUTE = 60_000;
const MINUTES_BEFORE = 5;
/** For tasks on their way to the schedule: what becomes due before is told of, but late. */
const AHEAD_MS = 15_000 + REMINDERS * 20;
/** Longer than the leases of a worker that was killed. */
const CLAIM_ENDS_MS = 12_000;

describe(`${REMINDERS} reminders due within a minute, and two workers of which one is killed`, () => {
  let fleet: Fleet;
  let database: Connection;
  beforeAll(async () => {
    fleet = await startFleet(2, {});
    database = await mongoose.createConnection(fleet.databaseUri).asPromise();
  });
  afterAll(async () => {
    await database?.close();
    await fleet?.stop();
  });

  const told = (): Promise<Told[]> =>
    database.collection<Told>('events').find({ name: 'task.deadline.approaching' }).toArray();

  it(
    'are all told of, each once, and all but a hundredth in time',
    async () => {
      const [first, second] = fleet.processes as [Fleet['processes'][0], Fleet['processes'][0]];
      // One after the other: hashes of passwords at once would wait for each other longer than a request may.
      const users: Client[] = [];
      for (let n = 0; n < USERS; n++) users.push(await signUp(first));
      const beginMs = Date.now() + AHEAD_MS;
      const expected = (await remindersWithinAMinute(users, REMINDERS, beginMs, MINUTES_BEFORE)).sort();
      await eventually(async () => expect((await told()).length).toBeGreaterThan(REMINDERS / 3), AHEAD_MS + MINUTE);
      await first.end('SIGKILL');
      await eventually(async () => expect((await told()).length).toBeGreaterThanOrEqual(REMINDERS), 2 * MINUTE);
      const events = await told();
      expect(events.map(({ facts }) => facts.taskId).sort()).toEqual(expected);
      const lateMs = latenessOf(events, MINUTES_BEFORE);
      process.stderr.write(
        `${REMINDERS} reminders: lateness p50 ${percentile(lateMs, 0.5)} ms, p99 ${percentile(lateMs, 0.99)} ms, max ${lateMs.at(-1)} ms\n`,
      );
      expect(percentile(lateMs, 0.99)).toBeLessThan(CLAIM_ENDS_MS);
      expect(second.process.exitCode).toBeNull();
    },
    AHEAD_MS + 5 * MINUTE,
  );
});
