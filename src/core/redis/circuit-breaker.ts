/** Failures in a row after which nothing is tried any more. One slow answer is no outage. */
const PATIENCE = 3;

/**
 * Keeps callers from waiting for what is known to be away. It opens after three failures in a row and closes with the
 * first success, which a probe in the background brings about: no caller is the one who tries.
 */
export class CircuitBreaker {
  private failures = 0;

  /** @param onChange is told when it opens (true) and closes (false) */
  constructor(private readonly onChange: (isOpen: boolean) => void) {}

  get isOpen(): boolean {
    return this.failures >= PATIENCE;
  }

  succeed(): void {
    const wasOpen = this.isOpen;
    this.failures = 0;
    if (wasOpen) this.onChange(false);
  }

  fail(): void {
    if (this.isOpen) return;
    this.failures++;
    if (this.isOpen) this.onChange(true);
  }
}
