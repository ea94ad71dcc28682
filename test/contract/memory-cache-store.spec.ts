import { MemoryCacheStore } from '../../src/core/cache/memory-cache.store.js';
import { cacheStoreContract } from './cache-store.contract.js';

describe('the cache store in memory', () => {
  cacheStoreContract(() => {
    let shiftMs = 0;
    const realNow = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => realNow() + shiftMs);
    return Promise.resolve({
      store: new MemoryCacheStore(),
      later: (ms) => {
        shiftMs += ms;
        return Promise.resolve();
      },
      close: () => {
        clock.mockRestore();
        return Promise.resolve();
      },
    });
  });

  it('holds so many characters and no more: the answers used longest ago go first, the generations stay', async () => {
    const store = new MemoryCacheStore();
    const { generation } = await store.read('ada', 'first');
    await store.write('ada', generation, 'small', { body: 'small', etag: '"s"' }, 60_000);
    for (let n = 0; n < 200; n++) {
      await store.write('ada', generation, `page ${n}`, { body: 'x'.repeat(1024 * 1024), etag: '"x"' }, 60_000);
      // What is used stays.
      expect((await store.read('ada', 'small')).answer?.body).toBe('small');
    }
    const kept = await Promise.all(Array.from({ length: 200 }, (_page, n) => store.read('ada', `page ${n}`)));
    expect(kept.every((read) => read.generation === generation)).toBe(true);
    expect(kept.filter(({ answer }) => answer).length).toBeLessThanOrEqual(32);
    expect(kept.at(-1)!.answer).toBeDefined();
  });
});
