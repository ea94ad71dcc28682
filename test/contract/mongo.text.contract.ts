import { Schema, type Model } from 'mongoose';
import { type Engine, type NumberedRow } from './mongo.engine.js';

interface Note {
  _id: number;
  owner: string;
  place: string;
  title?: string;
  body?: string;
  n?: number;
}

const note = new Schema<Note>(
  { _id: Number, owner: String, place: String, title: String, body: String, n: Number },
  { versionKey: false, autoCreate: false, autoIndex: false },
);
note.index(
  { owner: 1, place: 1, title: 'text', body: 'text' },
  { name: 'relevance', weights: { title: 10, body: 1 }, default_language: 'none' },
);

const score = { $meta: 'textScore' } as const;
const mine = { owner: 'a', place: 'live' };

export function textContract(engine: Engine): void {
  describe('text search', () => {
    const notes = async (...documents: Partial<Note>[]): Promise<Model<Note>> => {
      const model = engine.typed(note);
      await model.createIndexes();
      await model.insertMany(documents.map((document, _id) => ({ _id, ...mine, ...document })));
      return model;
    };
    const search = async (model: Model<Note>, words: string, more: object = {}) => {
      const filter = { ...mine, ...more, $text: { $search: words } };
      return (await model.find(filter).sort({ _id: 1 }).lean()).map(({ _id }) => _id);
    };

    /** Titles of the notes 0, 1, 2…, the words searched, the notes found. */
    const cases: [promise: string, titles: string[], words: string, found: number[]][] = [
      ['a word is found anywhere in the text', ['buy milk', 'milk the cow', 'buy bread'], 'milk', [0, 1]],
      ['several words are alternatives', ['buy milk', 'call home', 'sleep'], 'milk home', [0, 1]],
      ['case does not matter', ['Buy MILK'], 'milk', [0]],
      ['words are found whole, not by prefix', ['milkshake', 'milk'], 'milk', [1]],
      ['there is no stemming', ['running', 'run'], 'run', [1]],
      ['there are no stop words', ['the end', 'an end'], 'the', [0]],
      ['punctuation separates words', ['milk, bread; (eggs)'], 'eggs', [0]],
      ['digits are words', ['room 101', 'room 102'], '101', [0]],
      ['letters beyond ASCII are words', ['привет мир', 'мир'], 'привет', [0]],
      ['an unknown word finds nothing', ['buy milk'], 'zebra', []],
      ['no word finds nothing', ['buy milk'], '', []],
    ];

    it.each(cases)('%s', async (_promise, titles, words, found) => {
      expect(await search(await notes(...titles.map((title) => ({ title }))), words)).toEqual(found);
    });

    it('both fields are searched, missing ones are none', async () => {
      const model = await notes({ title: 'milk' }, { body: 'milk' }, { title: 'x', body: 'y' }, {});
      expect(await search(model, 'milk')).toEqual([0, 1]);
    });

    it('owner and place bound the search, further conditions narrow it', async () => {
      const model = await notes(
        { title: 'milk', n: 1 },
        { title: 'milk', owner: 'b' },
        { title: 'milk', place: 'trash' },
        { title: 'milk', n: 2 },
      );
      expect(await search(model, 'milk')).toEqual([0, 3]);
      expect(await search(model, 'milk', { n: { $gt: 1 } })).toEqual([3]);
      expect(await model.countDocuments({ owner: 'b', place: 'live', $text: { $search: 'milk' } })).toBe(1);
    });

    it('the score orders: a word in the title outweighs one in the body', async () => {
      const model = await notes(
        { body: 'milk' },
        { title: 'milk', body: 'milk' },
        { title: 'bread' },
        { title: 'milk' },
      );
      const found = await model
        .find({ ...mine, $text: { $search: 'milk' } }, { score })
        .sort({ score })
        .lean();
      expect(found.map(({ _id }) => _id)).toEqual([1, 3, 0]);
      const scores = found.map((row) => (row as unknown as { score: number }).score);
      expect(scores[0]).toBeGreaterThan(scores[1]!);
      expect(scores[1]).toBeGreaterThan(scores[2]! * 2);
      expect(scores[2]).toBeGreaterThan(0);
    });

    it('more of the words scores higher', async () => {
      const model = await notes({ title: 'milk' }, { title: 'milk bread' });
      const found = await model
        .find({ ...mine, $text: { $search: 'milk bread' } })
        .sort({ score })
        .lean();
      expect(found.map(({ _id }) => _id)).toEqual([1, 0]);
    });

    it('the score is answered beside the document, and pages keep its order', async () => {
      const model = await notes({ title: 'milk', n: 1 }, { body: 'milk', n: 2 });
      const found = await model
        .find({ ...mine, $text: { $search: 'milk' } }, { score })
        .sort({ score, _id: 1 })
        .skip(1)
        .limit(1)
        .lean();
      expect(found).toEqual([{ _id: 1, ...mine, body: 'milk', n: 2, score: expect.any(Number) }]);
    });

    it('an aggregation starts with it and knows its score', async () => {
      const model = await notes({ body: 'milk' }, { title: 'milk' }, { title: 'x' });
      const found = await model.aggregate([
        { $match: { ...mine, $text: { $search: 'milk' } } },
        { $sort: { score } },
        { $project: { _id: 1 } },
      ]);
      expect(found).toEqual([{ _id: 1 }, { _id: 0 }]);
    });

    it('follows changes and deletions', async () => {
      const model = await notes({ title: 'milk' }, { title: 'milk' }, { title: 'milk' });
      await model.updateOne({ _id: 0 }, { $set: { title: 'bread' } });
      await model.updateOne({ _id: 1 }, { $set: { owner: 'b' } });
      await model.deleteOne({ _id: 2 });
      expect([await search(model, 'milk'), await search(model, 'bread')]).toEqual([[], [0]]);
    });

    it('the index is listed with weights and language', async () => {
      const [, index] = await (await notes({})).collection.indexes();
      expect(index).toMatchObject({
        name: 'relevance',
        key: { owner: 1, place: 1, _fts: 'text', _ftsx: 1 },
        weights: { title: 10, body: 1 },
        default_language: 'none',
      });
    });

    it('is refused where there is no text index', async () => {
      const rows: { find: (filter: object) => { toArray(): Promise<NumberedRow[]> } } = await engine.collectionOf({
        a: 'milk',
      });
      await engine.refuses(rows.find({ $text: { $search: 'milk' } }).toArray(), 27);
    });
  });
}
