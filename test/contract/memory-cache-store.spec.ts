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
});
