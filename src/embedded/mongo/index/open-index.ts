import type { IndexSpec } from './index-spec.js';
import { type CollectionIndex, OrderedIndex } from './ordered-index.js';
import { TextIndex } from './text-index.js';

export const openIndex = (namespace: string, spec: IndexSpec): CollectionIndex =>
  spec.weights ? new TextIndex(spec) : new OrderedIndex(namespace, spec);
