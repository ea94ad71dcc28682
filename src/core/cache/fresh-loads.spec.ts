import { setImmediate as turn } from 'node:timers/promises';
import { FreshLoads } from './fresh-loads.js';

/** Loads that end when they are told to. */
function controlled(): {
  load: () => Promise<number>;
  end(result: number): void;
  fail(): void;
  readonly begun: number;
} {
  const open: { resolve(value: number): void; reject(error: Error): void }[] = [];
  let begun = 0;
  return {
    load: () => {
      begun++;
      return new Promise((resolve, reject) => open.push({ resolve, reject }));
    },
    end: (result) => open.shift()!.resolve(result),
    fail: () => open.shift()!.reject(new Error('broken')),
    get begun() {
      return begun;
    },
  };
}

describe('FreshLoads', () => {
  it('begins one load for all who ask at once', async () => {
    const loads = controlled();
    const fresh = new FreshLoads<number>(5);
    const all = Array.from({ length: 100 }, () => fresh.get('a', loads.load));
    await turn();
    loads.end(1);
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
    expect(loads.begun).toBe(1);
  });

  it('gives who asks while a load runs the next one', async () => {
    const loads = controlled();
    const fresh = new FreshLoads<number>(5);
    const first = fresh.get('a', loads.load);
    await turn();
    const second = Array.from({ length: 50 }, () => fresh.get('a', loads.load));
    await turn();
    expect(loads.begun).toBe(1);
    loads.end(1);
    await expect(first).resolves.toBe(1);
    await turn();
    expect(loads.begun).toBe(2);
    const third = fresh.get('a', loads.load);
    loads.end(2);
    expect(new Set(await Promise.all(second))).toEqual(new Set([2]));
    await turn();
    loads.end(3);
    await expect(third).resolves.toBe(3);
  });

  it('fails for those who shared the load, and goes on', async () => {
    const loads = controlled();
    const fresh = new FreshLoads<number>(5);
    const first = fresh.get('a', loads.load);
    await turn();
    const second = fresh.get('a', loads.load);
    loads.fail();
    await expect(first).rejects.toThrow('broken');
    await turn();
    loads.end(2);
    await expect(second).resolves.toBe(2);
  });

  it('runs no more loads at once than it may, whatever the keys', async () => {
    const loads = controlled();
    const fresh = new FreshLoads<number>(2);
    const all = ['a', 'b', 'c', 'd'].map((key) => fresh.get(key, loads.load));
    await turn();
    expect(loads.begun).toBe(2);
    for (let n = 0; n < 4; n++) {
      loads.end(n);
      await turn();
    }
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
  });
});
