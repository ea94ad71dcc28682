import type { Leaf } from './btree-node.js';

/** What a scan needs of its tree. */
export interface Seekable<V> {
  /** Rises with each change. */
  readonly version: number;
  /** The place of the first key that is not below `bound`; it may lie behind the end of its leaf. */
  seek(bound: string): { leaf: Leaf<V>; at: number };
}

/** One pass over a range. `key` and `value` are those of the last `advance()` that returned true. */
export class Scan<V> {
  key: string;
  value: V;
  private leaf: Leaf<V> | undefined;
  private at = 0;
  private version = -1;

  constructor(
    private readonly tree: Seekable<V>,
    private readonly low: string,
    private readonly high: string,
    private readonly reverse: boolean,
  ) {}

  advance(): boolean {
    if (this.version !== this.tree.version) this.place();
    else if (this.reverse) this.at--;
    else this.at++;
    return this.reverse ? this.settleBackward() : this.settleForward();
  }

  private place(): void {
    const started = this.key !== undefined;
    // The successor of a key in code unit order is the key with a NUL behind it.
    const bound = this.reverse ? (started ? this.key : this.high) : started ? `${this.key}\0` : this.low;
    const { leaf, at } = this.tree.seek(bound);
    this.leaf = leaf;
    this.at = this.reverse ? at - 1 : at;
    this.version = this.tree.version;
  }

  private settleForward(): boolean {
    while (this.leaf && this.at >= this.leaf.size) {
      this.leaf = this.leaf.next;
      this.at = 0;
    }
    return this.take((key) => key < this.high);
  }

  private settleBackward(): boolean {
    while (this.leaf && this.at < 0) {
      this.leaf = this.leaf.previous;
      this.at = this.leaf ? this.leaf.size - 1 : 0;
    }
    return this.take((key) => key >= this.low);
  }

  private take(inside: (key: string) => boolean): boolean {
    if (!this.leaf) return false;
    const key = this.leaf.keys[this.at];
    if (key === undefined || !inside(key)) return this.stop();
    this.key = key;
    this.value = this.leaf.values[this.at] as V;
    return true;
  }

  /** Places the scan behind its end, so that it also stays ended when the tree changes. */
  private stop(): false {
    this.leaf = undefined;
    return false;
  }
}
