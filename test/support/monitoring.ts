import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Metrics } from '../../src/core/metrics/metrics.js';
import { startTestApp } from './app.js';
import { labelsOf, type MetricLabels } from './promql.js';

export const DEPLOY = join(__dirname, '../../deploy');

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Of `deploy/prometheus`: the recording rules, in their order, then the alerts. */
export function rules(): Rule[] {
  const files = ['recording.yml', 'alerts.yml'].map((file) =>
    readFileSync(join(DEPLOY, 'prometheus/rules', file), 'utf8'),
  );
  return files.flatMap((file) =>
    (parse(file) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules),
  );
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

export interface Dashboard {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly templating: { readonly list: readonly { name: string; query: string; datasource: { uid: string } }[] };
  readonly panels: readonly Panel[];
}

/** Of `deploy/grafana`. */
export function dashboards(): Dashboard[] {
  const folder = join(DEPLOY, 'grafana/dashboards');
  return readdirSync(folder).map((file) => ({ file, ...JSON.parse(readFileSync(join(folder, file), 'utf8')) }));
}

/** A query as Prometheus gets it from Grafana, with everything chosen. */
export const asSent = (query: string): string =>
  query.replaceAll('$__rate_interval', '1m').replaceAll(/\$(namespace|instance|route)\b/g, '.*');

/** What Prometheus adds to every series of a target; the namespace on Kubernetes only. */
const TARGET = ['namespace', 'job', 'instance'];

/** Of kube-state-metrics, and of Prometheus itself. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  up: TARGET,
  ALERTS: [...TARGET, 'alertname', 'alertstate', 'severity'],
  kube_deployment_spec_replicas: ['namespace', 'deployment'],
  kube_deployment_status_replicas_available: ['namespace', 'deployment'],
  kube_deployment_status_replicas_unavailable: ['namespace', 'deployment'],
  kube_horizontalpodautoscaler_spec_max_replicas: ['namespace', 'horizontalpodautoscaler'],
  kube_horizontalpodautoscaler_status_current_replicas: ['namespace', 'horizontalpodautoscaler'],
};

/**
 * Every series that rules and dashboards may ask for: what the program registers when it has every kind of store, what
 * the recording rules make of it, and the few of others.
 */
export async function knownMetrics(): Promise<MetricLabels> {
  const known = new Map(Object.entries(FOREIGN).map(([name, labels]) => [name, new Set(labels)]));
  for (const [name, labels] of await registered()) known.set(name, new Set([...TARGET, ...labels]));
  for (const { record, expr } of rules()) if (record) known.set(record, new Set(labelsOf(expr, known)));
  return known;
}

/** Embedded mode and a Redis, which need not be there: a configuration of tests, and all metrics at once. */
async function registered(): Promise<[string, readonly string[]][]> {
  const test = await startTestApp({ MONGODB_URI: '', REDIS_URL: 'redis://127.0.0.1:1' });
  try {
    // The types do not tell the labels.
    const metrics = test.app.get(Metrics).registry.getMetricsAsArray() as unknown as RegisteredMetric[];
    return metrics.flatMap(seriesOf);
  } finally {
    await test.close();
  }
}

interface RegisteredMetric {
  readonly name: string;
  readonly labelNames: readonly string[];
  /** Of a histogram of prom-client's. */
  readonly upperBounds?: readonly number[];
  /** Of one of ours. */
  readonly bounds?: readonly number[];
}

const seriesOf = ({ name, labelNames, upperBounds, bounds }: RegisteredMetric): [string, readonly string[]][] =>
  (upperBounds ?? bounds)
    ? [
        [`${name}_bucket`, [...labelNames, 'le']],
        [`${name}_count`, labelNames],
        [`${name}_sum`, labelNames],
      ]
    : [[name, labelNames]];
