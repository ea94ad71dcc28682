import { BTree } from './btree.js';

/** Reproducible numbers below `limit` (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const key = (n: number): string => String(n).padStart(6, '0');

function keysOf(tree: BTree<number>, low = '', high = '\uffff', reverse = false): string[] {
  const keys: string[] = [];
  for (const scan = tree.scan(low, high, reverse); scan.advance();) keys.push(scan.key);
  return keys;
}

describe('BTree', () => {
  it('keeps the order and the count of a sorted list through 40,000 random changes', () => {
    const random = randomFrom(7);
    const tree = new BTree<number>();
    const model = new Map<string, number>();
    for (let i = 0; i < 40_000; i++) {
      const n = random(8_000);
      // Grows first and shrinks later, so that leaves are split, emptied and merged.
      if (random(10) < (i < 20_000 ? 7 : 3)) {
        expect(tree.insert(key(n), n)).toBe(!model.has(key(n)));
        model.set(key(n), n);
      } else {
        expect(tree.remove(key(n))).toBe(model.delete(key(n)));
      }
    }
    const sorted = [...model.keys()].sort();
    expect(tree.size).toBe(sorted.length);
    expect(keysOf(tree)).toEqual(sorted);
    expect(keysOf(tree, '', '\uffff', true)).toEqual(sorted.toReversed());
  });

  it('is empty again, and usable, after everything was removed', () => {
    const tree = new BTree<number>();
    for (let i = 0; i < 5_000; i++) tree.insert(key(i), i);
    for (let i = 0; i < 5_000; i++) tree.remove(key(i));
    expect([tree.size, keysOf(tree)]).toEqual([0, []]);
    tree.insert(key(3), 3);
    expect(tree.get(key(3))).toBe(3);
  });

  it('scans half-open ranges in both directions and ranks their ends', () => {
    const tree = new BTree<number>();
    for (let i = 0; i < 2_000; i += 2) tree.insert(key(i), i);
    for (const [low, high] of [
      [0, 2_000],
      [1, 1_001],
      [500, 501],
      [501, 501],
      [999, 5_000],
    ] as const) {
      const expected = Array.from({ length: 1_000 }, (_, i) => i * 2).filter((i) => i >= low && i < high);
      expect(keysOf(tree, key(low), key(high))).toEqual(expected.map(key));
      expect(keysOf(tree, key(low), key(high), true)).toEqual(expected.map(key).toReversed());
      expect(tree.rank(key(high)) - tree.rank(key(low))).toBe(expected.length);
    }
  });

  it.each([false, true])(
    'goes on after its last key when entries come and go during a scan (reverse: %s)',
    (reverse) => {
      const tree = new BTree<number>();
      for (let i = 0; i < 1_000; i++) tree.insert(key(i * 10), i);
      const scan = tree.scan('', '\uffff', reverse);
      const seen: string[] = [];
      while (scan.advance()) {
        const at = Number(scan.key);
        seen.push(scan.key);
        if (at % 10 !== 0) continue;
        tree.remove(scan.key);
        // Behind the scan: must not be met. Ahead of it: must be met once.
        tree.insert(key(at + (reverse ? 3 : -3)), 0);
        if (at % 100 === 50) tree.insert(key(at + (reverse ? -4 : 4)), 0);
      }
      const expected = Array.from({ length: 1_000 }, (_, i) => i * 10);
      const ahead = expected.filter((at) => at % 100 === 50).map((at) => at + (reverse ? -4 : 4));
      const sorted = [...expected, ...ahead].sort((a, b) => (reverse ? b - a : a - b));
      expect(seen).toEqual(sorted.map(key));
    },
  );

  it('keeps the value of a key that is there', () => {
    const tree = new BTree<number>();
    tree.insert('a', 1);
    expect([tree.insert('a', 2), tree.get('a'), tree.size]).toEqual([false, 1, 1]);
  });

  it('fills the leaves of keys that only grow', () => {
    const tree = new BTree<number>();
    for (let i = 0; i < 12_800; i++) tree.insert(key(i), i);
    let leaves = 0;
    for (let leaf = tree.seek('').leaf; leaf; leaf = leaf.next!) leaves++;
    expect(leaves).toBeLessThanOrEqual(101);
  });
});
