export class HealthView {
  /** `degraded`: a dependency is away and what can be answered without it is. */
  readonly status: 'ok' | 'degraded' | 'error';
  /** One entry per dependency. */
  readonly checks: Record<string, 'up' | 'down' | 'degraded'>;
  /** The process was told to stop: it serves what comes, and nothing should be sent to it any more. */
  readonly draining?: true;
}

export class LiveView {
  readonly status: 'ok';
}
