export const LEAF_CAPACITY = 128;
export const INNER_CAPACITY = 64;

export interface Leaf<V> {
  readonly leaf: true;
  size: number;
  keys: string[];
  values: V[];
  previous?: Leaf<V>;
  next?: Leaf<V>;
}

export interface Inner<V> {
  readonly leaf: false;
  /** Entries below this node; makes `rank` logarithmic. */
  size: number;
  /** `keys[i]` is not above any key of `children[i + 1]` and above all of `children[i]`. */
  keys: string[];
  children: Node<V>[];
}

export type Node<V> = Leaf<V> | Inner<V>;

/** The first position in ascending `keys` whose key is not below `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that holds `key`: separators equal to it belong to the right. */
export function childOf(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const emptyLeaf = <V>(): Leaf<V> => ({ leaf: true, size: 0, keys: [], values: [] });
export const sizeOf = <V>(nodes: readonly Node<V>[]): number => nodes.reduce((sum, node) => sum + node.size, 0);
