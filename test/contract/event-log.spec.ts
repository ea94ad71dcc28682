import mongoose, { type Connection, type Model } from 'mongoose';
import { EventLog, KEPT_MS } from '../../src/core/events/event-log.repository.js';
import { EVENT_MODEL, eventSchema, type EventDocument } from '../../src/core/events/event.schema.js';
import { Clock } from '../../src/core/time/clock.js';
import { startTestDatabase } from '../support/app.js';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let connection: Connection;
let model: Model<EventDocument>;
beforeEach(async () => {
  database = await startTestDatabase();
  connection = await mongoose.createConnection(database.uri).asPromise();
  model = connection.model<EventDocument>(EVENT_MODEL, eventSchema);
  await model.createIndexes();
});
afterEach(async () => {
  await connection.close();
  await database.close();
});

/** As another process has it. `aheadMs`: clocks differ. */
function logOf(aheadMs = 0): EventLog {
  const clock = new Clock();
  clock.now = () => new Date(Date.now() + aheadMs);
  return new EventLog(model, clock);
}
const event = (id: string, owner = 'ada') => ({ id, name: 'task.updated', at: new Date(), facts: { owner } });
const nobody = (): string[] => [];

describe('The log', () => {
  it('lets no event appear behind one that was read, however many processes append', async () => {
    const logs = [logOf(), logOf(1), logOf(-2000), logOf(2000)];
    const read: string[] = [];
    let place = 0;
    const over = new AbortController();
    const follow = async (): Promise<void> => {
      while (!over.signal.aborted)
        for (const one of await logs[0]!.read('ada', place, 7)) [place] = [one.seq, read.push(one.id)];
    };
    const following = follow();
    const ids = logs.map((_log, i) => Array.from({ length: 60 }, (_, n) => `${i}-${n}`));
    await Promise.all(
      logs.map(async (log, i) => {
        for (let n = 0; n < 60; n += 3)
          await log.append(
            ids[i]!.slice(n, n + 3).map((id) => event(id)),
            nobody,
          );
      }),
    );
    over.abort();
    await following;
    for (const one of await logs[0]!.read('ada', place, 1000)) read.push(one.id);
    expect(read.toSorted()).toEqual(ids.flat().toSorted());
    // What one process has appended keeps its order.
    for (const [i, own] of ids.entries()) expect(read.filter((id) => id.startsWith(`${i}-`))).toEqual(own);
  });

  it('has an event once, in its first place, whoever appends it again and with whatever', async () => {
    const [first] = await logOf().append([event('one')], nobody);
    const again = await logOf().append([event('zero'), event('one'), event('two')], nobody);
    expect(again.map(({ id }) => id)).toEqual(['zero', 'one', 'two']);
    expect(again[1]).toEqual(first);
    expect((await logOf().read('ada', 0, 10)).map(({ id }) => id)).toEqual(['one', 'zero', 'two']);
  });

  it('keeps the owners apart, and tells which of them have more', async () => {
    const log = logOf();
    const told: string[] = [];
    const end = log.onAppended((owner) => told.push(owner));
    await log.append([event('a', 'ada'), event('b', 'bob'), event('c', 'ada')], nobody);
    expect(told).toEqual(['ada', 'bob']);
    end();
    await log.append([event('d', 'bob')], nobody);
    expect(told).toEqual(['ada', 'bob']);
    expect((await log.read('ada', 0, 10)).map(({ id }) => id)).toEqual(['a', 'c']);
    const heads = new Map([
      ['ada', await log.head('ada')],
      ['bob', (await log.head('bob')) - 1],
      ['eve', 0],
    ]);
    expect(await log.movedBeyond(heads)).toEqual(['bob']);
  });

  it('goes on with higher numbers after everything has expired', async () => {
    const [last] = await logOf(-2 * KEPT_MS).append([event('old')], nobody);
    await model.deleteMany({});
    const [next] = await logOf().append([event('new')], nobody);
    expect(next!.seq).toBeGreaterThan(last!.seq);
    expect([logOf().isKept(last!.seq), logOf().isKept(next!.seq)]).toEqual([false, true]);
  });

  it('keeps an event until each group has handled it, and a day longer', async () => {
    await logOf().append([event('watched')], () => ['reminders']);
    await logOf().append([event('unwatched')], nobody);
    const row = async (id: string) => (await model.findById(id).lean())!;
    expect(await row('watched')).toMatchObject({ to: ['reminders'] });
    expect(await row('watched')).not.toHaveProperty('expireAt');
    const left = (await row('unwatched')).expireAt!.getTime() - Date.now();
    expect([left > KEPT_MS - 10_000, left <= KEPT_MS]).toEqual([true, true]);
  });
});
