import { MemoryCacheTurns } from '../../src/core/cache/cache-turns.js';
import { cacheTurnsContract } from './cache-turns.contract.js';

describe('the turns in memory', () => {
  cacheTurnsContract(() => {
    const turns = new MemoryCacheTurns();
    return Promise.resolve({ turns: [turns, turns], close: () => Promise.resolve() });
  });
});
