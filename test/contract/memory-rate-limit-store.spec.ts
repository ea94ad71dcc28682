import { MemoryRateLimitStore } from '../../src/core/rate-limit/memory-rate-limit.store.js';
import { rateLimitStoreContract } from './rate-limit-store.contract.js';

describe('the rate limit store in memory', () => {
  rateLimitStoreContract(() => {
    let nowMs = Date.UTC(2026, 10, 21);
    return Promise.resolve({
      store: new MemoryRateLimitStore({ now: () => new Date(nowMs) }),
      later: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  });
});
