/** Milliseconds; a timer that fires later than this was held up by this process, not by the other side. */
const STALL_MS = 25;

/**
 * The work's result, if it comes within this time. A process that was busy itself (a long computation, many requests at
 * once) first reads what has arrived meanwhile and, once, waits again: its own slowness is no sign of an outage.
 * @param ms milliseconds
 * @throws Error when the time is over; whatever the work does later is ignored
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${ms} ms`));
    let timer = setTimeout(fired, ms);
    let dueMs = performance.now() + ms;
    let isExtended = false;
    function fired(): void {
      const isLate = performance.now() - dueMs > STALL_MS;
      if (isLate && !isExtended) {
        isExtended = true;
        dueMs = performance.now() + ms;
        timer = setTimeout(fired, ms);
        return;
      }
      // Timers run before sockets are read: what is already here still counts.
      setImmediate(giveUp);
    }
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
