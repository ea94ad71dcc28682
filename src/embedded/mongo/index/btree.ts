import {
  INNER_CAPACITY,
  type Inner,
  LEAF_CAPACITY,
  type Leaf,
  type Node,
  childOf,
  emptyLeaf,
  lowerBound,
  sizeOf,
} from './btree-node.js';
import { Scan } from './btree-scan.js';

/**
 * Ordered map from unique strings, by code unit, to values: insert, remove, seek and rank take O(log n).
 * A scan survives changes made between two of its steps: it goes on after the last key it gave.
 */
export class BTree<V> {
  private root: Node<V> = emptyLeaf();
  /** Rises with each change, so that a scan knows when its place is stale. */
  version = 0;

  get size(): number {
    return this.root.size;
  }

  get(key: string): V | undefined {
    const leaf = this.leafOf(key);
    const at = lowerBound(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.values[at] : undefined;
  }

  /** Whether the key was new. A key that is there keeps its value. */
  insert(key: string, value: V): boolean {
    const before = this.root.size;
    const sibling = this.insertInto(this.root, key, value);
    if (sibling) {
      const [separator, right] = sibling;
      this.root = { leaf: false, size: this.root.size + right.size, keys: [separator], children: [this.root, right] };
    }
    if (this.root.size === before) return false;
    this.version++;
    return true;
  }

  /** Whether the key was there. */
  remove(key: string): boolean {
    if (!this.removeFrom(this.root, key)) return false;
    this.version++;
    while (!this.root.leaf && this.root.children.length === 1) this.root = this.root.children[0] as Node<V>;
    if (!this.root.leaf && this.root.children.length === 0) this.root = emptyLeaf();
    return true;
  }

  /** How many keys are below `bound`. */
  rank(bound: string): number {
    let node = this.root;
    let below = 0;
    while (!node.leaf) {
      const at = childOf(node.keys, bound);
      for (let i = 0; i < at; i++) below += (node.children[i] as Node<V>).size;
      node = node.children[at] as Node<V>;
    }
    return below + lowerBound(node.keys, bound);
  }

  /** The entries with `low <= key < high`, ascending or, in reverse, descending. */
  scan(low: string, high: string, reverse = false): Scan<V> {
    return new Scan(this, low, high, reverse);
  }

  /** The place of the first key that is not below `bound`; it may lie behind the end of its leaf. */
  seek(bound: string): { leaf: Leaf<V>; at: number } {
    const leaf = this.leafOf(bound);
    return { leaf, at: lowerBound(leaf.keys, bound) };
  }

  private leafOf(key: string): Leaf<V> {
    let node = this.root;
    while (!node.leaf) node = node.children[childOf(node.keys, key)] as Node<V>;
    return node;
  }

  /** The new right sibling with its separator when `node` had to be split. */
  private insertInto(node: Node<V>, key: string, value: V): [string, Node<V>] | undefined {
    if (node.leaf) return this.insertIntoLeaf(node, key, value);
    const at = childOf(node.keys, key);
    const child = node.children[at] as Node<V>;
    const before = child.size;
    const split = this.insertInto(child, key, value);
    if (split) {
      node.keys.splice(at, 0, split[0]);
      node.children.splice(at + 1, 0, split[1]);
      node.size += child.size + split[1].size - before;
      if (node.children.length > INNER_CAPACITY) return this.splitInner(node);
    } else {
      node.size += child.size - before;
    }
    return undefined;
  }

  private insertIntoLeaf(leaf: Leaf<V>, key: string, value: V): [string, Node<V>] | undefined {
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] === key) return undefined;
    leaf.keys.splice(at, 0, key);
    leaf.values.splice(at, 0, value);
    leaf.size++;
    if (leaf.size <= LEAF_CAPACITY) return undefined;
    // Keys that only grow (ids, times) fill their leaves instead of leaving each one half empty.
    const middle = leaf.next === undefined && at === leaf.size - 1 ? leaf.size - 1 : leaf.size >>> 1;
    const right: Leaf<V> = {
      leaf: true,
      size: leaf.size - middle,
      keys: leaf.keys.splice(middle),
      values: leaf.values.splice(middle),
      previous: leaf,
      next: leaf.next,
    };
    leaf.size = middle;
    if (leaf.next) leaf.next.previous = right;
    leaf.next = right;
    return [right.keys[0] as string, right];
  }

  private splitInner(node: Inner<V>): [string, Node<V>] {
    const middle = node.children.length >>> 1;
    const children = node.children.splice(middle);
    const keys = node.keys.splice(middle);
    const separator = node.keys.pop() as string;
    const right: Inner<V> = { leaf: false, size: sizeOf(children), keys, children };
    node.size -= right.size;
    return [separator, right];
  }

  private removeFrom(node: Node<V>, key: string): boolean {
    if (node.leaf) {
      const at = lowerBound(node.keys, key);
      if (node.keys[at] !== key) return false;
      node.keys.splice(at, 1);
      node.values.splice(at, 1);
      node.size--;
      return true;
    }
    const at = childOf(node.keys, key);
    const child = node.children[at] as Node<V>;
    if (!this.removeFrom(child, key)) return false;
    node.size--;
    if (child.size === 0) this.dropChild(node, at);
    else if (child.leaf && child.size < LEAF_CAPACITY / 4) this.mergeLeaf(node, at);
    return true;
  }

  private dropChild(node: Inner<V>, at: number): void {
    const child = node.children[at] as Node<V>;
    if (child.leaf) {
      if (child.previous) child.previous.next = child.next;
      if (child.next) child.next.previous = child.previous;
    }
    node.children.splice(at, 1);
    node.keys.splice(at === 0 ? 0 : at - 1, 1);
  }

  /** Joins a thin leaf with its right neighbour where the two leave room for growth. */
  private mergeLeaf(node: Inner<V>, at: number): void {
    const left = node.children[at] as Leaf<V>;
    const right = node.children[at + 1] as Leaf<V> | undefined;
    if (!right || left.size + right.size > LEAF_CAPACITY / 2) return;
    left.keys.push(...right.keys);
    left.values.push(...right.values);
    left.size += right.size;
    left.next = right.next;
    if (right.next) right.next.previous = left;
    node.children.splice(at + 1, 1);
    node.keys.splice(at, 1);
  }
}
