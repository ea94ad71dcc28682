import type { IndexSpec } from './index-spec.js';
import { type CollectionIndex, OrderedIndex } from './ordered-index.js';

export function openIndex(namespace: string, spec: IndexSpec): CollectionIndex {
  return new OrderedIndex(namespace, spec);
}
