import { Injectable } from '@nestjs/common';
import { Metrics } from './metrics.js';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Rate, errors and duration per route, and how many requests are under way. */
@Injectable()
export class HttpMetrics {
  private readonly duration;
  private inFlight = 0;

  constructor(metrics: Metrics) {
    this.duration = metrics.durations(
      'taskflow_http_request_duration_seconds',
      'Duration of HTTP requests by route template and status',
      ['method', 'route', 'status'],
      BUCKETS,
    );
    metrics.measured('taskflow_http_requests_in_flight', 'HTTP requests begun and not ended', () => this.inFlight);
  }

  begin(): void {
    this.inFlight++;
  }

  /** @param route its template: with a path, whoever asks would make series without an end */
  end(method: string, route: string, status: number, seconds: number): void {
    this.inFlight--;
    this.duration.series(method, route, String(status)).observe(seconds);
  }
}
