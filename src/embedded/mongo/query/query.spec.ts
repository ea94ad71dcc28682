import { BSONRegExp } from 'bson';
import { prepare } from '../documents.js';
import { type IndexSpec } from '../index/index-spec.js';
import { parseIndexSpec } from '../index/parse-index-spec.js';
import { type Doc, compileFilter, compileSort } from '../language/index.js';
import { Collection } from '../store/collection.js';
import { memoryLog } from '../store/log.js';
import { Deadline } from './deadline.js';
import { Query } from './query.js';
import type { QueryRequest } from './request.js';

const OWNERS = 10;
const SIZE = 2_000;

const at = (n: number): Date => new Date(1.7e12 + n * 1000);
const task = (n: number): Doc => ({
  _id: n,
  owner: n % OWNERS,
  place: n % 7 === 0 ? 'trash' : 'live',
  status: ['todo', 'doing', 'done'][n % 3],
  createdAt: at((n * 7919) % SIZE),
  tags: n % 5 === 0 ? [] : [`t${n % 4}`, `t${n % 9}`],
  ...(n % 2 === 0 ? { dueAt: n % 4 === 0 ? null : at(n) } : {}),
  items: [
    { a: n % 3, b: n % 5 },
    { a: n % 4, b: n % 2 },
  ],
});

function collectionWith(...indexes: Doc[]): Collection {
  const collection = new Collection('app', 'tasks', memoryLog);
  for (const index of indexes) collection.createIndex(specOf(index));
  for (let n = 0; n < SIZE; n++) collection.insert(prepare(task(n)));
  return collection;
}

const specOf = ({ key, ...options }: Doc): IndexSpec =>
  parseIndexSpec({ key, name: JSON.stringify([key, options]), ...options });

interface Outcome {
  readonly ids: unknown[];
  readonly keys: number;
  readonly docs: number;
  readonly plan: string;
  readonly index?: string;
  readonly sorts: boolean;
}

function run(collection: Collection, request: QueryRequest): Outcome {
  const stats = { keysExamined: 0, docsExamined: 0 };
  const query = new Query(collection, request, stats, new Deadline(0));
  const ids = [...query.matches()].map(({ doc }) => doc['_id']);
  const { plan, sorts } = query;
  const index = plan.kind === 'index' ? Object.keys(plan.index.spec.key).join() : undefined;
  return { ids, keys: stats.keysExamined, docs: stats.docsExamined, plan: plan.kind, index, sorts };
}

/** The same by looking at every document. */
function expected(collection: Collection, { filter, sort, skip = 0, limit }: QueryRequest): unknown[] {
  const found = [...collection.rows.values()].map(({ doc }) => doc).filter(compileFilter(filter));
  const sorted = sort ? found.sort(compileSort(sort)) : found;
  return sorted.slice(skip, limit ? skip + limit : undefined).map(({ _id }) => _id);
}

const byPage = { key: { owner: 1, place: 1, createdAt: -1, _id: -1 } };
const byStatus = { key: { owner: 1, place: 1, status: 1, createdAt: -1, _id: -1 } };
const byTag = { key: { owner: 1, tags: 1, createdAt: 1 } };
const newestFirst = { createdAt: -1, _id: -1 };
const mine = { owner: 3, place: 'live' };

describe('a page', () => {
  const collection = collectionWith(byPage, byStatus, byTag, { key: { dueAt: 1 }, sparse: true });

  it.each<[name: string, request: QueryRequest, mostKeys: number]>([
    ['in the order of an index', { filter: mine, sort: newestFirst, limit: 20 }, 20],
    ['in the opposite order', { filter: mine, sort: { createdAt: 1, _id: 1 }, limit: 20 }, 20],
    ['behind a date', { filter: { ...mine, createdAt: { $lt: at(700) } }, sort: newestFirst, limit: 20 }, 20],
    ['of one status', { filter: { ...mine, status: 'done' }, sort: newestFirst, limit: 20 }, 20],
    [
      'of several statuses, merged',
      { filter: { ...mine, status: { $in: ['done', 'todo'] } }, sort: newestFirst, limit: 20 },
      24,
    ],
    [
      'behind a date and an id, as a keyset cursor asks',
      {
        filter: { ...mine, $or: [{ createdAt: { $lt: at(700) } }, { createdAt: at(700), _id: { $lt: 1_500 } }] },
        sort: newestFirst,
        limit: 20,
      },
      24,
    ],
    [
      'behind a cursor, of several statuses',
      {
        filter: {
          ...mine,
          status: { $in: ['doing', 'done'] },
          $or: [{ createdAt: { $lt: at(300) } }, { createdAt: at(300), _id: { $lt: 1_500 } }],
        },
        sort: newestFirst,
        limit: 20,
      },
      28,
    ],
    ['of one tag', { filter: { owner: 3, tags: 't1' }, sort: { createdAt: 1 }, limit: 5 }, 5],
    ['sorted also by what is equal in all', { filter: mine, sort: { owner: 1, ...newestFirst }, limit: 20 }, 20],
  ])('%s reads no more than it gives', (_name, request, mostKeys) => {
    const outcome = run(collection, request);
    expect(outcome.ids).toEqual(expected(collection, request));
    expect(outcome.sorts).toBe(false);
    expect(outcome.keys).toBeLessThanOrEqual(mostKeys);
  });

  it('costs the same in a collection of any size', () => {
    const small = run(collection, { filter: mine, sort: newestFirst, limit: 20 });
    for (let n = SIZE; n < 3 * SIZE; n++) collection.insert(prepare(task(n)));
    const large = run(collection, { filter: mine, sort: newestFirst, limit: 20 });
    expect([large.keys, large.docs]).toEqual([small.keys, small.docs]);
  });
});

describe('the choice of an index', () => {
  it('prefers few matches to sort over a long scan in order, and the scan where matches are many', () => {
    const collection = collectionWith(byPage, { key: { owner: 1, rare: 1 } });
    collection.insert(prepare({ ...task(SIZE + 3), owner: 3, place: 'live', rare: 'x' }));
    expect(run(collection, { filter: { ...mine, rare: 'x' }, sort: newestFirst, limit: 20 })).toMatchObject({
      index: 'owner,rare',
      keys: 1,
    });
    expect(run(collection, { filter: mine, sort: newestFirst, limit: 20 })).toMatchObject({
      index: 'owner,place,createdAt,_id',
    });
  });

  it('goes straight to an _id', () => {
    expect(run(collectionWith(byPage), { filter: { _id: 77, owner: 7 } })).toMatchObject({
      ids: [77],
      plan: 'id',
      keys: 1,
      docs: 1,
    });
  });

  it('scans the collection where no index helps, and stops at the limit', () => {
    const outcome = run(collectionWith(byPage), { filter: { status: 'todo' }, limit: 3 });
    expect(outcome).toMatchObject({ ids: [0, 3, 6], plan: 'collection', docs: 7 });
  });

  it('obeys a hint, by name and by key, and refuses one that does not exist', () => {
    const collection = collectionWith(byPage, byTag);
    const filter = { owner: 3, tags: 't1', place: 'live' };
    expect(run(collection, { filter, hint: byPage.key })).toMatchObject({ index: 'owner,place,createdAt,_id' });
    expect(run(collection, { filter, hint: specOf(byTag).name })).toMatchObject({ index: 'owner,tags,createdAt' });
    expect(() => run(collection, { filter, hint: 'other' })).toThrow('does not correspond to an existing index');
    expect(run(collection, { filter: {}, hint: { $natural: -1 }, limit: 2 }).ids).toEqual([SIZE - 1, SIZE - 2]);
  });

  it('does not use an index that may lack matches', () => {
    const collection = collectionWith(
      { key: { dueAt: 1 }, sparse: true },
      { key: { createdAt: 1 }, partialFilterExpression: { place: 'trash', owner: { $gt: 5 } } },
    );
    for (const [filter, plan] of [
      [{ dueAt: null }, 'collection'],
      [{ dueAt: { $exists: false } }, 'collection'],
      [{ dueAt: { $gt: at(5) } }, 'index'],
      [{ dueAt: { $exists: true } }, 'collection'],
      [{ createdAt: { $lt: at(100) } }, 'collection'],
      [{ createdAt: { $lt: at(100) }, place: 'trash' }, 'collection'],
      [{ createdAt: { $lt: at(100) }, place: 'trash', owner: { $gte: 5 } }, 'collection'],
      [{ createdAt: { $lt: at(100) }, place: 'trash', owner: 8 }, 'index'],
      [{ createdAt: { $lt: at(100) }, place: { $in: ['trash'] }, owner: { $in: [8, 9] } }, 'index'],
      [{ createdAt: { $lt: at(100) }, $and: [{ place: 'trash' }, { owner: { $gt: 5 } }] }, 'index'],
    ] as const) {
      const outcome = run(collection, { filter });
      expect([filter, outcome.plan]).toEqual([filter, plan]);
      expect(outcome.ids.toSorted()).toEqual(expected(collection, { filter }).toSorted());
    }
    const sorted: QueryRequest = { filter: {}, sort: { dueAt: 1, _id: 1 } };
    expect(run(collection, sorted).ids).toEqual(expected(collection, sorted));
  });

  it('counts from an index where the keys decide alone', () => {
    const collection = collectionWith(byPage);
    const stats = { keysExamined: 0, docsExamined: 0 };
    const count = (filter: Doc): number => new Query(collection, { filter }, stats, new Deadline(0)).count();
    const filter = { ...mine, createdAt: { $gte: at(100), $lt: at(900) } };
    expect(count(filter)).toBe(expected(collection, { filter }).length);
    expect(stats).toEqual({ keysExamined: 0, docsExamined: 0 });
  });
});

describe('arrays in an index', () => {
  const collection = collectionWith(byTag, { key: { 'items.a': 1, 'items.b': 1 } }, { key: { tags: 1 } });
  collection.insert(prepare({ _id: 'wide', owner: 1, tags: ['a', 'z'], items: [{ a: 0 }, { a: 9 }] }));

  it.each<[name: string, request: QueryRequest]>([
    ['meet two bounds by different elements', { filter: { tags: { $gt: 'b', $lt: 'c' } } }],
    ['meet them by one element', { filter: { tags: { $elemMatch: { $gt: 'b', $lt: 't1' } } } }],
    ['meet two fields by different elements', { filter: { 'items.a': 2, 'items.b': 4 } }],
    ['meet two fields by one element', { filter: { items: { $elemMatch: { a: 2, b: 4 } } } }],
    ['are found once by several keys', { filter: { tags: { $in: ['t1', 't2', 't3'] }, owner: 1 } }],
    [
      'are found once when streams are merged',
      { filter: { owner: 1, tags: { $in: ['t1', 't2', 't3'] } }, sort: { createdAt: 1, _id: 1 } },
    ],
    ['sort by their smallest element', { filter: { tags: { $gte: 'a' } }, sort: { tags: 1, _id: 1 } }],
    ['sort by their largest element', { filter: {}, sort: { tags: -1, _id: 1 }, limit: 7 }],
    ['equal a whole array', { filter: { tags: ['t1', 't1'] } }],
    ['equal an empty array', { filter: { tags: [] } }],
    ['contain all of several', { filter: { tags: { $all: ['t1', 't5'] } } }],
    ['match a prefix', { filter: { owner: 1, tags: new BSONRegExp('^t[12]') } }],
  ])('%s', (_name, request) => {
    const ids = run(collection, request).ids;
    const wanted = expected(collection, request);
    expect(request.sort ? ids : ids.toSorted()).toEqual(request.sort ? wanted : wanted.toSorted());
  });
});

describe('a scan that goes on after writes', () => {
  it('gives each document that stays exactly once, and none that is gone', () => {
    const collection = collectionWith(byPage, byStatus);
    const filter = { ...mine, status: { $in: ['todo', 'doing', 'done'] } };
    const request: QueryRequest = { filter, sort: newestFirst };
    const before = expected(collection, request);
    const query = new Query(collection, request, { keysExamined: 0, docsExamined: 0 }, new Deadline(0));
    const seen: unknown[] = [];
    for (const { doc } of query.matches()) {
      seen.push(doc['_id']);
      const next = collection.find(before[seen.length + 3]);
      // Every third of those to come is removed while the scan waits.
      if (seen.length % 3 === 0 && next) collection.remove(next);
      if (seen.length % 10 === 0)
        collection.insert(prepare({ ...task(50_000 + seen.length), ...mine, createdAt: at(SIZE * 2) }));
    }
    expect(seen).toEqual(before.filter((id) => seen.includes(id)));
    expect(new Set(seen).size).toBe(seen.length);
    const left = new Set([...collection.rows.values()].map(({ doc }) => doc['_id']));
    expect(before.filter((id) => left.has(id) && !seen.includes(id))).toEqual([]);
  });
});

describe('a time limit', () => {
  it('ends a long scan', () => {
    const collection = collectionWith();
    const query = new Query(
      collection,
      { filter: { none: 1 } },
      { keysExamined: 0, docsExamined: 0 },
      new Deadline(1e-6),
    );
    expect(() => [...query.matches()]).toThrow('operation exceeded time limit');
  });
});
