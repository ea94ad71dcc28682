import { randomUUID } from 'node:crypto';
import type { CacheStore, StoredAnswer } from '../../src/core/cache/cache.store.js';

/** One store, and a way to let time pass for it: a moved clock where it has one, a real wait where it has not. */
export interface CacheStoreFixture {
  readonly store: CacheStore;
  later(ms: number): Promise<void>;
  close(): Promise<void>;
}

const answer = (text: string): StoredAnswer => ({ body: JSON.stringify({ text }), etag: `"${text}"` });

/** What every cache store promises, whatever keeps its entries. */
export function cacheStoreContract(open: () => Promise<CacheStoreFixture>): void {
  let fixture: CacheStoreFixture;
  let store: CacheStore;
  let owner: string;

  beforeAll(async () => {
    fixture = await open();
    store = fixture.store;
  });
  afterAll(() => fixture.close());
  beforeEach(() => {
    owner = randomUUID();
  });

  /** Reads a miss and stores under the generation it came with, as the interceptor does. */
  const fill = async (name: string, value: StoredAnswer, ttlMs = 60_000): Promise<string> => {
    const { generation } = await store.read(owner, name);
    await store.write(owner, generation, name, value, ttlMs);
    return generation;
  };

  it('answers a stranger with a generation and nothing else', async () => {
    const read = await store.read(owner, 'stats');
    expect(read.generation).toMatch(/\S/);
    expect(read.answer).toBeUndefined();
  });

  it('keeps the generation while nobody forgets', async () => {
    const first = await store.read(owner, 'stats');
    const second = await store.read(owner, 'list');
    expect(second.generation).toBe(first.generation);
  });

  it('gives back what was stored, byte for byte', async () => {
    const stored = { body: '{"title":"Ünïcode \u{1F600}"}', etag: '"x-1"', link: '</next>; rel="next"' };
    await fill('list', stored);
    expect((await store.read(owner, 'list')).answer).toEqual(stored);
  });

  it('keeps names and owners apart', async () => {
    await fill('stats', answer('mine'));
    expect((await store.read(owner, 'list')).answer).toBeUndefined();
    expect((await store.read(randomUUID(), 'stats')).answer).toBeUndefined();
  });

  it('replaces what was stored under the same name', async () => {
    await fill('stats', answer('one'));
    await fill('stats', answer('two'));
    expect((await store.read(owner, 'stats')).answer).toEqual(answer('two'));
  });

  it('serves nothing of an owner after forget, under any name', async () => {
    await fill('stats', answer('one'));
    await fill('list', answer('two'));
    await store.forget(owner);
    expect((await store.read(owner, 'stats')).answer).toBeUndefined();
    expect((await store.read(owner, 'list')).answer).toBeUndefined();
  });

  it('forgets one owner and no other', async () => {
    await fill('stats', answer('kept'));
    await store.forget(randomUUID());
    expect((await store.read(owner, 'stats')).answer).toEqual(answer('kept'));
  });

  it('does not bring old data back when a slow load ends after a write', async () => {
    const { generation } = await store.read(owner, 'stats');
    await store.forget(owner);
    await store.write(owner, generation, 'stats', answer('old'), 60_000);
    expect((await store.read(owner, 'stats')).answer).toBeUndefined();
  });

  it('never uses a generation twice', async () => {
    const seen = new Set<string>();
    for (let n = 0; n < 50; n++) {
      seen.add((await store.read(owner, 'stats')).generation);
      await store.forget(owner);
    }
    expect(seen.size).toBe(50);
  });

  it('forgets for an owner that it does not know', async () => {
    await store.forget(owner);
    const generation = await fill('stats', answer('new'));
    expect(await store.read(owner, 'stats')).toEqual({ generation, answer: answer('new') });
  });

  it('serves an answer until its time is over and not longer', async () => {
    await fill('stats', answer('brief'), 400);
    await fixture.later(100);
    expect((await store.read(owner, 'stats')).answer).toEqual(answer('brief'));
    await fixture.later(400);
    expect((await store.read(owner, 'stats')).answer).toBeUndefined();
  });

  it('outlives its answers with its generation', async () => {
    const generation = await fill('stats', answer('brief'), 100);
    await fixture.later(200);
    expect((await store.read(owner, 'stats')).generation).toBe(generation);
  });
}
