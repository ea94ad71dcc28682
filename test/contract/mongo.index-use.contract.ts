import { type mongo } from 'mongoose';
import { type Engine, type Filter, type NumberedRow } from './mongo.engine.js';

type Random = () => number;
type Rows = mongo.Collection<NumberedRow>;
interface Question {
  filter: Filter;
  sort?: Record<string, 1 | -1>;
  skip?: number;
  limit?: number;
}

const size = 600;
const samples = 12;

/** mulberry32: the same numbers in every run, so that a failure can be repeated. */
const random =
  (seed: number): Random =>
  () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
const below = (next: Random, count: number) => Math.floor(next() * count);
const pick = <T>(next: Random, from: readonly T[]): T => from[below(next, from.length)]!;

const owners = ['u1', 'u2', 'u3'];
const places = ['live', 'trash', 'gone'];
const words = ['alpha', 'alps', 'beta', 'bet', 'gamma', 'é', '\u{1F600}', ''];
const someWords = (next: Random) => Array.from({ length: below(next, 4) }, () => pick(next, words));
const day = (next: Random) => new Date(Date.UTC(2026, 0, 1 + below(next, 20)));

const anything = (next: Random): unknown => {
  const number = below(next, 10);
  return pick(next, [
    number,
    number + 0.5,
    String(number),
    null,
    new Date(number),
    number > 4,
    [number, below(next, 10)],
    [],
    { x: number },
  ]);
};

const row = (next: Random, _id: number): NumberedRow => ({
  _id,
  owner: pick(next, owners),
  place: pick(next, places),
  priority: below(next, 4),
  title: pick(next, words) + pick(next, words),
  ...(next() < 0.8 && { tags: someWords(next) }),
  ...(next() < 0.7 && { dueAt: next() < 0.2 ? null : day(next) }),
  ...(next() < 0.9 && { v: anything(next) }),
  meta: next() < 0.5 ? { n: below(next, 10) } : [{ n: below(next, 10) }, { n: below(next, 10) }],
});

const indexes: mongo.IndexDescription[] = [
  { key: { owner: 1, place: 1, _id: -1 } },
  { key: { owner: 1, tags: 1 } },
  { key: { owner: 1, place: 1, dueAt: 1, _id: 1 } },
  { key: { dueAt: -1 }, sparse: true },
  { key: { priority: 1, title: -1 }, partialFilterExpression: { place: 'live' } },
  { key: { title: 1 } },
  { key: { v: 1 } },
  { key: { 'meta.n': 1, priority: -1 } },
];

const shapes: [shape: string, ask: (next: Random) => Question][] = [
  ['one equality', (next) => ({ filter: { owner: pick(next, owners) } })],
  [
    'two equalities, newest first, a page',
    (next) => ({
      filter: { owner: pick(next, owners), place: 'live' },
      sort: { _id: -1 },
      limit: 20,
      skip: below(next, 30),
    }),
  ],
  [
    'a keyset page',
    (next) => ({
      filter: { owner: pick(next, owners), place: 'live', _id: { $lt: below(next, size) } },
      sort: { _id: -1 },
      limit: 10,
    }),
  ],
  [
    'an array element behind an equality',
    (next) => ({ filter: { owner: pick(next, owners), tags: pick(next, words) } }),
  ],
  [
    'several elements, all wanted',
    (next) => ({ filter: { owner: pick(next, owners), tags: { $all: [pick(next, words), pick(next, words)] } } }),
  ],
  [
    'an anchored prefix of elements',
    (next) => ({ filter: { owner: pick(next, owners), tags: { $regex: `^${pick(next, ['a', 'al', 'b', 'é'])}` } } }),
  ],
  [
    'a range of dates in its order',
    (next) => ({
      filter: { owner: 'u1', place: 'live', dueAt: { $gte: day(next), $lt: day(next) } },
      sort: { dueAt: 1, _id: 1 },
    }),
  ],
  [
    'a sort by dates that may be missing or null',
    (next) => ({ filter: { owner: pick(next, owners), place: 'trash' }, sort: { dueAt: -1, _id: -1 }, limit: 30 }),
  ],
  ['null, which takes missing', () => ({ filter: { dueAt: null } })],
  [
    'not null, sorted by another field',
    (next) => ({ filter: { dueAt: { $ne: null }, priority: below(next, 4) }, sort: { title: 1, _id: 1 } }),
  ],
  [
    'a list of values',
    (next) => ({
      filter: {
        title: { $in: [pick(next, words), pick(next, words) + pick(next, words)] },
        place: { $in: ['live', 'gone'] },
      },
    }),
  ],
  [
    'a range of strings',
    (next) => ({ filter: { title: { $gt: pick(next, words), $lte: pick(next, words) } }, sort: { title: -1, _id: 1 } }),
  ],
  ['a field of mixed types, by equality', (next) => ({ filter: { v: anything(next) } })],
  ['a field of mixed types, by range', (next) => ({ filter: { v: { $gte: below(next, 10), $lt: below(next, 10) } } })],
  [
    'a field of mixed types, everything, sorted',
    (next) => ({ filter: {}, sort: { v: pick(next, [1, -1]), _id: 1 }, limit: 100 }),
  ],
  [
    'types and existence',
    (next) => ({
      filter: { v: pick(next, [{ $type: 'string' }, { $exists: false }, { $type: 'array' }, { $not: { $gt: 3 } }]) },
    }),
  ],
  [
    'a path through arrays',
    (next) => ({ filter: { 'meta.n': { $gt: below(next, 10) } }, sort: { 'meta.n': 1, priority: -1, _id: 1 } }),
  ],
  [
    'both bounds in one element',
    (next) => ({ filter: { meta: { $elemMatch: { n: { $gt: below(next, 5), $lt: 5 + below(next, 5) } } } } }),
  ],
  [
    'alternatives on different indexes',
    (next) => ({
      filter: { $or: [{ title: pick(next, words) }, { owner: 'u2', tags: pick(next, words) }, { v: below(next, 10) }] },
    }),
  ],
  [
    'what a partial index holds, and what it does not',
    (next) => ({
      filter: { priority: below(next, 4), ...pick(next, [{}, { place: 'live' }, { place: 'gone' }]) },
      sort: { title: -1, _id: 1 },
    }),
  ],
  [
    'negations',
    (next) => ({ filter: { owner: { $ne: 'u1' }, place: { $nin: ['gone'] }, $nor: [{ tags: pick(next, words) }] } }),
  ],
];

async function answer(rows: Rows, { filter, sort, skip = 0, limit = 0 }: Question): Promise<number[]> {
  const ids = (await rows.find(filter, { sort, skip, limit, projection: { _id: 1 } }).toArray()).map(({ _id }) => _id);
  return sort ? ids : ids.sort((a, b) => a - b);
}

/** One random change, applied to both collections alike. */
async function change(both: Rows[], next: Random): Promise<void> {
  const _id = below(next, size);
  const { _id: _, ...fields } = row(next, _id);
  const apply = pick<(rows: Rows) => Promise<unknown>>(next, [
    (rows) => rows.deleteOne({ _id }),
    (rows) => rows.replaceOne({ _id }, fields, { upsert: true }),
    (rows) => rows.updateOne({ _id }, { $set: { v: fields.v ?? 0, tags: fields.tags ?? [] } }),
    (rows) => rows.updateOne({ _id }, { $unset: { dueAt: '', tags: '' }, $inc: { priority: 1 } }),
    (rows) => rows.updateMany({ owner: fields.owner, priority: 3 }, { $set: { place: fields.place, priority: 0 } }),
  ]);
  await Promise.all(both.map(apply));
}

export function indexUseContract(engine: Engine): void {
  describe('an index changes no answer', () => {
    let plain: Rows;
    let indexed: Rows;

    const fill = async () => {
      const next = random(20_261_121);
      const documents = Array.from({ length: size }, (_, _id) => row(next, _id));
      [plain, indexed] = [engine.collection(), engine.collection()];
      await indexed.createIndexes(indexes);
      await Promise.all([plain.insertMany(documents), indexed.insertMany(documents)]);
    };
    beforeAll(fill);

    it.each(shapes)('%s', async (shape, ask) => {
      const next = random(shape.length);
      let found = 0;
      for (let sample = 0; sample < samples; sample++) {
        const question = ask(next);
        const expected = await answer(plain, question);
        found += expected.length;
        expect({ question, ids: await answer(indexed, question) }).toEqual({ question, ids: expected });
        if (!question.sort) expect(await indexed.countDocuments(question.filter)).toBe(expected.length);
      }
      expect(found).toBeGreaterThan(0);
    });

    it('all of them again after 300 random changes', async () => {
      await fill();
      const next = random(7);
      for (let changes = 0; changes < 300; changes++) await change([plain, indexed], next);
      expect(await indexed.find({}).sort({ _id: 1 }).toArray()).toEqual(
        await plain.find({}).sort({ _id: 1 }).toArray(),
      );
      for (const [, ask] of shapes) {
        const question = ask(next);
        const ids = await answer(indexed, question);
        expect({ question, ids }).toEqual({ question, ids: await answer(plain, question) });
      }
    });
  });
}
