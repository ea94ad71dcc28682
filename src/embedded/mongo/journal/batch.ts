import type { MongoFault } from '../language/index.js';

/** Changes that become safe by one record and one `fsync`. */
export class Batch {
  readonly entries: Buffer[] = [];
  readonly undo: (() => void)[] = [];
  readonly done: Promise<void>;
  resolve: () => void;
  reject: (fault: MongoFault) => void;
  bytes = 0;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever waits sees the failure; that nobody waits (a sweep) must not end the process.
    this.done.catch(() => {});
  }

  add(entry: Buffer, undo: () => void): void {
    this.entries.push(entry);
    this.undo.push(undo);
    this.bytes += entry.length;
  }
}
