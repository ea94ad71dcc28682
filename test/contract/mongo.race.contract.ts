import { Schema, type Model } from 'mongoose';
import { type Engine } from './mongo.engine.js';

interface Counter {
  owner: string;
  version: number;
  n: number;
  list: number[];
  taken: boolean;
}

const counter = new Schema<Counter>(
  { owner: String, version: Number, n: Number, list: [Number], taken: Boolean },
  { versionKey: false, autoCreate: false, autoIndex: false },
);

const racers = 50;
const race = <T>(run: (racer: number) => Promise<T>) =>
  Promise.all(Array.from({ length: racers }, (_, racer) => run(racer)));
const after = { returnDocument: 'after' } as const;

/** Anything but success or E11000 fails the test; the loser of a unique key is a normal outcome. */
const wonOrDuplicate = async (work: Promise<unknown>): Promise<boolean> => {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 11000 });
  return outcome.status === 'fulfilled';
};

/** Read, compute, write on condition of the version read, until it is the version written. */
async function incrementByVersion(counters: Model<Counter>): Promise<void> {
  for (;;) {
    const read = await counters.findOne({ owner: 'a' }).lean().orFail();
    const { _id, version } = read;
    if (await counters.findOneAndUpdate({ _id, version }, { $set: { n: read.n + 1, version: version + 1 } })) return;
  }
}

export function raceContract(engine: Engine): void {
  describe(`races of ${racers}`, () => {
    it('upserts of one unique key leave one document and count every success', async () => {
      const counters = engine.typed(counter);
      await counters.collection.createIndex({ owner: 1 }, { unique: true });
      const won = await race(() =>
        wonOrDuplicate(counters.findOneAndUpdate({ owner: 'a' }, { $inc: { n: 1 } }, { upsert: true }).exec()),
      );
      expect(await counters.find({}).lean()).toMatchObject([{ owner: 'a', n: won.filter(Boolean).length }]);
    });

    it('upserts of one _id leave one document', async () => {
      const rows = engine.collection();
      const won = await race(() => wonOrDuplicate(rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { upsert: true })));
      expect(await rows.find({}).toArray()).toEqual([{ _id: 1, n: won.filter(Boolean).length }]);
    });

    it('of inserts with one unique key exactly one wins', async () => {
      const counters = engine.typed(counter);
      await counters.collection.createIndex({ owner: 1 }, { unique: true });
      const won = await race((n) => wonOrDuplicate(counters.create({ owner: 'a', n })));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await counters.find({}).lean()).map(({ n }) => n)).toEqual([won.indexOf(true)]);
    });

    it('of conditional updates exactly one wins each version', async () => {
      const counters = engine.typed(counter);
      const { _id } = await counters.create({ owner: 'a', version: 1, list: [] });
      for (const version of [1, 2, 3]) {
        const update = (racer: number) => ({ $set: { version: version + 1 }, $push: { list: racer } });
        const won = await race((racer) => counters.findOneAndUpdate({ _id, version }, update(racer), after).lean());
        expect(won.filter((winner) => winner !== null)).toMatchObject([{ version: version + 1 }]);
      }
      expect(await counters.findById(_id).lean()).toMatchObject({ version: 4, list: { length: 3 } });
    });

    it('conditional increments with retries are all counted', async () => {
      const counters = engine.typed(counter);
      await counters.create({ owner: 'a', version: 0, n: 0 });
      await race(() => incrementByVersion(counters));
      expect(await counters.findOne({}).lean()).toMatchObject({ version: racers, n: racers });
    });

    it('$inc, $push and $addToSet lose nothing', async () => {
      const rows = await engine.rows({ n: 0, pushed: [], set: [] });
      await race((racer) =>
        rows.updateOne({ _id: 0 }, { $inc: { n: 1 }, $push: { pushed: racer }, $addToSet: { set: racer % 10 } }).exec(),
      );
      const row = await rows.findOne({}).lean();
      expect([row!.n, (row!.pushed as number[]).length, (row!.set as number[]).length]).toEqual([racers, racers, 10]);
      expect(new Set(row!.pushed as number[]).size).toBe(racers);
    });

    it('each document of a queue is taken once, until none is left', async () => {
      const rows = await engine.rows(...Array.from({ length: 20 }, () => ({ taken: false })));
      const taken = await race(() => rows.findOneAndDelete({ taken: false }, { sort: { _id: 1 } }).lean());
      const ids = taken.filter((row) => row !== null).map((row) => row._id);
      expect(ids).toHaveLength(20);
      expect(new Set(ids).size).toBe(20);
      expect(await rows.countDocuments({})).toBe(0);
    });
  });
}
