import type { MetricValueWithName } from 'prom-client';

type Value = MetricValueWithName<string>;

/** The durations of one kind: how many were at most as long as each bound, how many in all, and their sum. */
export class DurationSeries {
  readonly counts: number[];
  count = 0;
  /** Seconds. */
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
  }

  observe(seconds: number): void {
    this.count++;
    this.sum += seconds;
    const bound = this.bounds.findIndex((upTo) => seconds <= upTo);
    if (bound >= 0) this.counts[bound]!++;
  }
}

/**
 * A histogram on the path of every request. prom-client's own checks and hashes the labels of each observation, which
 * costs more than everything else about it: here whoever observes keeps the series of its labels.
 */
export class Durations {
  /** For prom-client's registry. */
  readonly aggregator = 'sum';
  readonly type = 'histogram';
  private readonly all = new Map<string, { readonly labels: readonly string[]; readonly series: DurationSeries }>();

  /** @param bounds upper bounds of the buckets, in seconds, rising */
  constructor(
    readonly name: string,
    readonly help: string,
    private readonly labelNames: readonly string[],
    private readonly bounds: readonly number[],
  ) {}

  /** @param labels a value for each name, in their order */
  series(...labels: readonly string[]): DurationSeries {
    const key = labels.join('\0');
    let known = this.all.get(key);
    if (!known) this.all.set(key, (known = { labels, series: new DurationSeries(this.bounds) }));
    return known.series;
  }

  get(): Promise<Pick<Durations, 'name' | 'help' | 'type' | 'aggregator'> & { readonly values: Value[] }> {
    const values = [...this.all.values()].flatMap(({ labels, series }) => this.valuesOf(labels, series));
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  reset(): void {
    this.all.clear();
  }

  private valuesOf(labels: readonly string[], { counts, count, sum }: DurationSeries): Value[] {
    const shared = Object.fromEntries(this.labelNames.map((name, n) => [name, labels[n]!]));
    let below = 0;
    const buckets = this.bounds.map((le, n) => {
      below += counts[n]!;
      return { metricName: `${this.name}_bucket`, labels: { le, ...shared }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_bucket`, labels: { le: '+Inf', ...shared }, value: count },
      { metricName: `${this.name}_sum`, labels: shared, value: sum },
      { metricName: `${this.name}_count`, labels: shared, value: count },
    ];
  }
}
