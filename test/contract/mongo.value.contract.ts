import { mongo, Schema, Types } from 'mongoose';
import { refusal, type Engine, type Row } from './mongo.engine.js';

const { Binary, Decimal128, Double, Int32, Long, UUID } = mongo;
const exact = { promoteValues: false, promoteLongs: false };

const unchanged: [promise: string, value: unknown][] = [
  ['astral characters', 'done \u{1F600}\u{1F469}\u200D\u{1F4BB}'],
  ['combining characters, not normalised', 'e\u0301 \u00e9 \u1e9b\u0323'],
  ['NUL inside a string', 'a\0b\0'],
  ['an empty string', ''],
  ['a right-to-left text with marks', '\u202Eشكراً'],
  ['a date with milliseconds', new Date('2026-03-29T01:30:00.123Z')],
  ['a date before 1970', new Date('1969-12-31T23:59:59.999Z')],
  ['the dates furthest from 1970 that JavaScript has', [new Date(8.64e15), new Date(-8.64e15)]],
  ['an ObjectId', new Types.ObjectId('0123456789abcdef01234567')],
  ['true, false and null', [true, false, null]],
  ['numbers at the edges', [0.1, -1.5, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, Infinity, -Infinity, NaN, -0]],
  ['empty arrays and documents', { list: [], document: {} }],
  ['arrays in arrays', [[1, [2, []]], [null]]],
  ['documents sixty levels deep', Array.from({ length: 60 }).reduce((inner) => ({ inner }), 1)],
];

const kept: [promise: string, value: unknown][] = [
  ['an Int', new Int32(-7)],
  ['a Long beyond 2^53', Long.fromString('9007199254740993')],
  ['the lowest Long', Long.MIN_VALUE],
  ['a Double without fraction', new Double(3)],
  ['a Decimal128', Decimal128.fromString('0.10')],
  ['bytes', new Binary(Buffer.from([0, 1, 254, 255]))],
  ['a UUID', new UUID('3b241101-e2bb-4255-8caf-4136c566a962').toBinary()],
];

const oddNames = [
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'a b',
  'ünï',
  '日本',
  '\u{1F600}',
  '1',
  'price$',
  'a$b',
  '_',
];

/** One stored document with the field `n`, for arithmetic whose result keeps its BSON type. */
const arithmetic: [promise: string, stored: unknown, update: object, expected: object][] = [
  ['Int plus Int stays Int', new Int32(2), { $inc: { n: new Int32(3) } }, new Int32(5)],
  [
    'Int plus Int beyond 2^31 becomes Long',
    new Int32(2147483647),
    { $inc: { n: new Int32(1) } },
    Long.fromNumber(2147483648),
  ],
  ['Int plus Double becomes Double', new Int32(2), { $inc: { n: new Double(0.5) } }, new Double(2.5)],
  ['Int plus Long becomes Long', new Int32(2), { $inc: { n: Long.fromNumber(1) } }, Long.fromNumber(3)],
  [
    'Long arithmetic is exact beyond 2^53',
    Long.fromString('9007199254740993'),
    { $inc: { n: new Int32(2) } },
    Long.fromString('9007199254740995'),
  ],
  [
    'Long times Int stays Long',
    Long.fromString('3000000000'),
    { $mul: { n: new Int32(3) } },
    Long.fromString('9000000000'),
  ],
  ['Int times Double becomes Double', new Int32(3), { $mul: { n: new Double(1.5) } }, new Double(4.5)],
];

export function valueContract(engine: Engine): void {
  describe('values', () => {
    it.each(unchanged)('%s come back as they went in', async (_promise, value) => {
      const rows = await engine.rows({ value });
      expect((await rows.findOne({ _id: 0 }).lean())?.value).toEqual(value);
    });

    it.each(kept)('%s keeps its type', async (_promise, value) => {
      const rows = await engine.collectionOf({ value });
      expect((await rows.findOne({}, exact))?.value).toEqual(value);
    });

    it('a schema reads back the types that it wrote', async () => {
      const things = engine.typed(
        new Schema<{ owner: Types.ObjectId; at: Date | null; tags: string[]; n: number; raw: Buffer }>({
          owner: Schema.Types.ObjectId,
          at: Date,
          tags: [String],
          n: Number,
          raw: Buffer,
        }),
      );
      const thing = {
        owner: new Types.ObjectId(),
        at: new Date(-1),
        tags: ['x', 'x'],
        n: 1.5,
        raw: Buffer.from([1, 0]),
      };
      const { _id } = await things.create(thing);
      const found = await things.findById(_id.toString()).orFail();
      expect(found.toObject()).toMatchObject({ _id, owner: thing.owner, at: thing.at, tags: thing.tags, n: 1.5 });
      expect(found.raw.equals(thing.raw)).toBe(true);
    });

    it.each(arithmetic)('%s', async (_promise, n, update, expected) => {
      const rows = await engine.collectionOf({ n });
      await rows.updateOne({}, update);
      expect((await rows.findOne({}, exact))?.n).toEqual(expected);
    });

    it('a Long that would overflow is refused and kept', async () => {
      const rows = await engine.collectionOf({ n: Long.MAX_VALUE });
      await engine.refuses(rows.updateOne({}, { $inc: { n: 1 } }), 2);
      expect((await rows.findOne({}, exact))?.n).toEqual(Long.MAX_VALUE);
    });
  });

  describe('field names', () => {
    it('_id comes first, the others in the order of the insert', async () => {
      const rows = engine.collection();
      await rows.insertOne({ z: 1, a: 2, _id: 3, m: { y: 1, b: 2 } });
      expect(JSON.stringify(await rows.findOne({}))).toBe('{"_id":3,"z":1,"a":2,"m":{"y":1,"b":2}}');
    });

    it.each(oddNames)('%j is a name like any other', async (name) => {
      const rows = engine.collection();
      await rows.insertMany([{ _id: 1, [name]: 5 }, { _id: 2 }]);
      await rows.updateOne({ _id: 1, [name]: { $exists: true } }, { $inc: { [name]: 1 } });
      expect(await rows.find({ [name]: 6 }, { projection: { [name]: 1 } }).toArray()).toEqual([{ _id: 1, [name]: 6 }]);
      expect(await rows.find({ [name]: null }).toArray()).toEqual([{ _id: 2 }]);
    });

    it('__proto__ is stored, found and changed, and reaches no prototype', async () => {
      const rows = engine.collection();
      await rows.insertMany([{ _id: 1, ['__proto__']: { admin: true } }, { _id: 2 }]);
      expect(await rows.countDocuments({ ['__proto__']: { $exists: true } })).toBe(1);
      await rows.updateOne({ _id: 2 }, { $set: { ['__proto__']: { admin: true }, 'x.__proto__.y': 1 } });
      expect(await rows.countDocuments({ '__proto__.admin': true, _id: { $gt: 0 } })).toBe(2);
      expect(({} as Row).admin).toBeUndefined();
      expect(({} as Row).y).toBeUndefined();
    });
  });

  describe('large documents', () => {
    it('5 MB of text come back byte for byte, and can be updated around', async () => {
      const text = 'Aé\u{1F600}\0'.repeat(655_360); // 8 bytes each
      const rows = await engine.rows({ text, n: 0 });
      await rows.updateOne({ _id: 0 }, { $inc: { n: 1 } });
      const found = await rows.findOne({ _id: 0 }).lean();
      expect(found?.n).toBe(1);
      expect(found?.text === text).toBe(true);
    });

    it('three documents of 5 MB travel in one command, each way', async () => {
      const rows = engine.collection();
      const text = 'x'.repeat(5 * 1024 * 1024);
      await rows.insertMany([1, 2, 3].map((_id) => ({ _id, text: text + String(_id) })));
      const found = await rows.find({}).sort({ _id: 1 }).toArray();
      expect(found.map((row) => row.text === text + String(row._id))).toEqual([true, true, true]);
    });

    it('5,000 documents are inserted by one call, and found by a list of 1,000 ids', async () => {
      const rows = await engine.rows(...Array.from({ length: 5_000 }, (_, n) => ({ n })));
      const wanted = Array.from({ length: 1_000 }, (_, n) => n * 7);
      const found = await rows
        .find({ _id: { $in: wanted } }, { _id: 1 })
        .sort({ _id: 1 })
        .lean();
      expect(found.map(({ _id }) => _id)).toEqual(wanted.filter((id) => id < 5_000));
      expect(await rows.countDocuments({})).toBe(5_000);
    });

    it('30 MB are answered in batches of at most 16 MB', async () => {
      const rows = engine.collection();
      const text = 'x'.repeat(1024 * 1024);
      for (const start of [0, 10, 20]) {
        await rows.insertMany(Array.from({ length: 10 }, (_, index) => ({ _id: start + index, text })));
      }
      const reply = await engine.db.command({ find: rows.collectionName, batchSize: 1_000 });
      expect(reply.cursor.firstBatch.length).toBeLessThan(17);
      expect(await rows.find({}, { batchSize: 1_000 }).toArray()).toHaveLength(30);
    });

    it('an update that would pass 16 MB is refused and changes nothing', async () => {
      const rows = engine.collection();
      await rows.insertOne({ _id: 1, a: 'x'.repeat(9 * 1024 * 1024) });
      const error = await refusal(rows.updateOne({ _id: 1 }, { $set: { b: 'y'.repeat(9 * 1024 * 1024) } }));
      expect(engine.isDocumentDb ? [1] : [10334, 17419]).toContain(error.code);
      expect(Object.keys((await rows.findOne({ _id: 1 }))!)).toEqual(['_id', 'a']);
    });
  });
}
