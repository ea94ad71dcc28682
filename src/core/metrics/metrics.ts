import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry, type Metric } from 'prom-client';
import { Durations } from './durations.js';

/**
 * The process' metrics: `taskflow_…`, in base units, each with its row in docs/metrics.md. The values of a label come
 * from the program and never from a client, so that nobody can make series without an end. A registry of its own, so
 * that two applications in one process do not collide.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  /** @param collect sets the value when somebody scrapes; until then it costs nothing */
  counter<T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    collect?: (counter: Counter<T>) => void,
  ): Counter<T> {
    const counter: Counter<T> = new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect ? { collect: () => collect(counter) } : {}),
    });
    return counter;
  }

  /** @param collect as with a counter */
  gauge<T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    collect?: (gauge: Gauge<T>) => void,
  ): Gauge<T> {
    const gauge: Gauge<T> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect ? { collect: () => collect(gauge) } : {}),
    });
    return gauge;
  }

  /** One value that is asked for when somebody scrapes. */
  measured(name: string, help: string, value: () => number): void {
    this.gauge(name, help, [], (gauge) => gauge.set(value()));
  }

  /** @param bounds upper bounds of the buckets, in seconds, rising */
  durations(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]): Durations {
    const durations = new Durations(name, help, labelNames, bounds);
    // The registry asks for a name and for values, whatever made them.
    this.registry.registerMetric(durations as unknown as Metric);
    return durations;
  }
}
