import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';

/** Who was refused by a limit, and how often limits were counted without the other processes. */
@Injectable()
export class RateLimitMetrics {
  private readonly refusals;
  private readonly local;

  constructor(metrics: Metrics) {
    this.refusals = metrics.counter('taskflow_rate_limit_refusals_total', 'Requests refused by a limit', ['limit']);
    this.local = metrics.counter('taskflow_rate_limit_local_total', 'Requests counted here only: Redis was away', []);
  }

  /** @param limit its name in the program, such as `login` */
  refused(limit: string): void {
    this.refusals.inc({ limit });
  }

  countedLocally(): void {
    this.local.inc();
  }
}
