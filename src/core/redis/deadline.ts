import { performance } from 'node:perf_hooks';

export class DeadlineExceeded extends Error {}

/**
 * The work's result, if it comes within this time. A process that was busy itself for half of it (a long computation,
 * many requests at once) waits once more: its own slowness is no sign of an outage.
 * @param ms milliseconds
 * @throws DeadlineExceeded when the time is over; whatever the work does later is ignored
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const start = performance.eventLoopUtilization();
    const giveUp = (): void => reject(new DeadlineExceeded(`no answer within ${ms} ms`));
    // Timers run before sockets are read: what is already here still counts.
    const atLast = (): void => void setImmediate(giveUp);
    const firstTime = (): void => {
      const wasBusy = performance.eventLoopUtilization(start).active > ms / 2;
      if (wasBusy) timer = setTimeout(atLast, ms);
      else atLast();
    };
    let timer = setTimeout(firstTime, ms);
    const conclude =
      <R>(settle: (result: R) => void) =>
      (result: R): void => {
        clearTimeout(timer);
        settle(result);
      };
    work.then(conclude(resolve), conclude(reject));
  });
}
