import pLimit from 'p-limit';

/**
 * Loads for when the cache is away and nothing tells old data from new. Whoever asks while a load runs gets the next
 * one, never the running one: it may have begun before a write that the asker has seen. So however many ask for a key,
 * one load of it runs and one waits.
 */
export class FreshLoads<T> {
  private readonly limit;
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly waiting = new Map<string, Promise<T>>();

  /** @param concurrency of all keys together */
  constructor(concurrency: number) {
    this.limit = pLimit(concurrency);
  }

  get(key: string, load: () => Promise<T>): Promise<T> {
    const waiting = this.waiting.get(key);
    if (waiting) return waiting;
    const next = (this.running.get(key) ?? Promise.resolve()).then(() => this.limit(() => this.begin(key, load)));
    this.waiting.set(key, next);
    return next;
  }

  private begin(key: string, load: () => Promise<T>): Promise<T> {
    this.waiting.delete(key);
    const work = load();
    const end: Promise<void> = work.then(
      () => this.end(key, end),
      () => this.end(key, end),
    );
    this.running.set(key, end);
    return work;
  }

  private end(key: string, ended: Promise<void>): void {
    if (this.running.get(key) === ended) this.running.delete(key);
  }
}
