/** One change of the stored data, absolute: applied twice, it gives the same state as once. */
export type LogEntry =
  | { readonly kind: 'put'; readonly namespace: string; readonly raw: Buffer }
  | { readonly kind: 'delete'; readonly namespace: string; readonly raw: Buffer }
  | { readonly kind: 'create'; readonly namespace: string; readonly raw: Buffer }
  | { readonly kind: 'drop'; readonly namespace: string; readonly raw: Buffer }
  | { readonly kind: 'createIndex'; readonly namespace: string; readonly raw: Buffer }
  | { readonly kind: 'dropIndex'; readonly namespace: string; readonly raw: Buffer };

export type EntryKind = LogEntry['kind'];

/** Where changes go before they are acknowledged. Changes are visible at once and undone if the log refuses them. */
export interface Log {
  /** @param undo brings back the state before this entry; called newest first */
  append(entry: LogEntry, undo: () => void): void;
  /** Resolves when everything appended so far is safe. @throws MongoFault when it was undone instead */
  flushed(): Promise<void>;
}

/** Nothing outlives the process. */
export const memoryLog: Log = { append: () => {}, flushed: () => Promise.resolve() };

export const NO_BYTES = Buffer.alloc(0);
