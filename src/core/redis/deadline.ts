import { performance } from 'node:perf_hooks';

export class DeadlineExceeded extends Error {}

/**
 * The work's result, if it comes within this time. A process that was busy itself for half of it (a long computation,
 * many requests at once) waits once more: its own slowness is no sign of an outage.
 * @param ms milliseconds
 * @param instead what to wait for, in the time that is left, when the work failed so; absent where that was it
 * @throws DeadlineExceeded when the time is over; whatever the work does later is ignored
 */
export function answerWithin<T>(
  ms: number,
  work: Promise<T>,
  instead: (error: Error) => Promise<T> | undefined = () => undefined,
): Promise<T> {
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
    const succeed = (result: T): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    work.then(succeed, (error: Error) => {
      const other = instead(error);
      if (other) other.then(succeed, fail);
      else fail(error);
    });
  });
}
