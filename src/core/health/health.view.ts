export class HealthView {
  /** `degraded`: a dependency is away and what can be answered without it is. */
  readonly status: 'ok' | 'degraded' | 'error';
  /** One entry per dependency. */
  readonly checks: Record<string, 'up' | 'down' | 'degraded'>;
}

export class LiveView {
  readonly status: 'ok';
}
