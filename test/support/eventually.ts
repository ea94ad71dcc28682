import { setTimeout as delay } from 'node:timers/promises';

/** Repeats `check` until it stops throwing; after `withinMs` its last error counts. */
export async function eventually<T>(check: () => Promise<T> | T, withinMs = 5000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(20);
    }
  }
}
