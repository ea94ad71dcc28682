import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readEnvironment } from '../../src/config/environment.js';
import { dashboards, DEPLOY, knownMetrics, rules } from '../support/monitoring.js';
import { labelsOf, type MetricLabels } from '../support/promql.js';

const folder = join(DEPLOY, 'prometheus');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const runbook = readFileSync(join(DEPLOY, '../docs/runbook.md'), 'utf8');
const metrics = readFileSync(join(DEPLOY, '../docs/metrics.md'), 'utf8');

const { services, secrets } = parse(readFileSync(join(DEPLOY, '../docker-compose.yml'), 'utf8'), { merge: true });

const recorded = rules().flatMap(({ record, expr }) => (record ? [[record, expr] as const] : []));
const alerts = rules().flatMap((rule) => (rule.alert ? [[rule.alert, rule] as const] : []));

let known: MetricLabels;
beforeAll(async () => {
  known = await knownMetrics();
});

describe('deploy/prometheus/prometheus.yml', () => {
  const config = parse(read('prometheus.yml'));

  it('asks every process of compose for itself, on the port that it listens on, with the token from a file', () => {
    const taskflow = config.scrape_configs.find((job: { job_name: string }) => job.job_name === 'taskflow');
    const processes = Object.keys(services).filter((name) => name.startsWith('api-') || name === 'worker');
    expect(processes.length).toBeGreaterThan(1);
    expect(taskflow).toMatchObject({
      metrics_path: '/metrics',
      authorization: { type: 'Bearer', credentials_file: '/run/secrets/metrics_token' },
      static_configs: [{ targets: processes.map((name) => `${name}:${readEnvironment({}).environment.PORT}`) }],
    });
    expect(read('prometheus.yml')).not.toMatch(/credentials:|password:/);
  });

  it('reads every file of rules, and the addresses of whom it tells', () => {
    expect(config.rule_files).toEqual(['rules/*.yml']);
    expect(readdirSync(join(folder, 'rules')).sort()).toEqual(['alerts.yml', 'recording.yml']);
    expect(config.alerting.alertmanagers).toEqual([{ file_sd_configs: [{ files: ['alertmanagers.yml'] }] }]);
    expect(parse(read('alertmanagers.yml'))).toEqual([]);
  });
});

describe('where Prometheus runs', () => {
  const kubernetes = (file: string) =>
    parse(readFileSync(join(DEPLOY, '../k8s/components/monitoring', file), 'utf8')).spec;

  it('compose mounts these files, keeps what the objectives look back on, and gives it the token of the processes', () => {
    const { volumes, command, networks } = services.prometheus;
    expect(volumes).toContain('./deploy/prometheus:/etc/prometheus:ro');
    const days = /--storage\.tsdb\.retention\.time=(\d+)d/.exec(command.join(' '))?.[1];
    expect(Number(days)).toBeGreaterThanOrEqual(30);
    expect(services.prometheus.secrets).toContain('metrics_token');
    expect(secrets).toHaveProperty('metrics_token');
    for (const name of ['api-1', 'api-2', 'api-3', 'worker']) {
      expect(services[name].environment['METRICS_TOKEN_FILE']).toBe('/run/secrets/metrics_token');
      expect(services[name].networks).toContain(networks[0]);
    }
  });

  // After a change: node tools/prometheus-rule.mjs
  it('Kubernetes evaluates the same rules, and asks every pod as often, under the job that they expect', () => {
    const groups = ['recording.yml', 'alerts.yml'].flatMap((file) => parse(read(join('rules', file))).groups);
    expect(kubernetes('prometheus-rule.yaml').groups).toEqual(groups);
    const { jobLabel, selector, podMetricsEndpoints } = kubernetes('pod-monitor.yaml');
    expect(selector.matchLabels[jobLabel]).toBe('taskflow');
    expect(podMetricsEndpoints).toMatchObject([
      {
        path: '/metrics',
        interval: parse(read('prometheus.yml')).global.scrape_interval,
        authorization: { credentials: { key: 'METRICS_TOKEN' } },
      },
    ]);
  });
});

describe('a rule', () => {
  it.each(recorded)('%s asks for metrics and labels that exist', (_name, expr) => {
    expect([...labelsOf(expr, known)]).toContain('job');
  });

  it.each(alerts)('%s asks for metrics and labels that exist, also in its sentence', (_name, { expr, annotations }) => {
    const labels = labelsOf(expr, known);
    const used = [...annotations!['summary']!.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    expect(used.filter((label) => !labels.has(label))).toEqual([]);
  });

  it('asks only for values of labels that docs/metrics.md names, and so does a panel', () => {
    const panels = dashboards().flatMap((board) => board.panels.flatMap((panel) => panel.targets ?? []));
    const asked = [...rules(), ...panels].flatMap(({ expr }) =>
      [...expr.matchAll(/(taskflow_\w+)\{[^}]*\b(?:result|reason|state|limit|kind)=~?"([^"$]+)"/g)].flatMap(
        ([, metric, values]) => values!.split('|').map((value) => ({ metric: metric!, value })),
      ),
    );
    expect(asked.length).toBeGreaterThan(3);
    const row = (metric: string): string =>
      metrics.split('\n').find((line) => line.startsWith(`| \`${metric}\` `)) ?? '';
    expect(asked.filter(({ metric, value }) => !row(metric).includes(`\`${value}\``))).toEqual([]);
  });

  it.each([
    ['taskflow_http_request_seconds_count', 'there is no metric taskflow_http_request_seconds_count'],
    ['taskflow_redis_failures_total{cause="timeout"}', 'taskflow_redis_failures_total has no label cause'],
    ['sum by (rout) (taskflow_http_request_duration_seconds_count)', 'has no label rout'],
    ['histogram_quantile(0.9, sum by (route) (taskflow_http_request_duration_seconds_bucket))', 'has no label le'],
    ['taskflow_ready / taskflow_redis_failures_total', 'the sides never have the same labels'],
    ['taskflow_ready == on (server) group_left taskflow_mongodb_pool_waiting', 'has no label server'],
    ['sum(rate(taskflow_cache_reads_total[5m])', 'no PromQL'],
  ])('that asks %s would be refused', (query, message) => {
    expect(() => labelsOf(query, known)).toThrow(message);
  });
});

describe('an alert', () => {
  it.each(alerts)('%s says how urgent it is, in one sentence what happens, and where to read on', (name, rule) => {
    expect(['critical', 'warning']).toContain(rule.labels?.['severity']);
    expect(rule.for).toMatch(/^\d+m$/);
    const sentence = rule.annotations!['summary']!.replaceAll(/\{\{.*?\}\}/g, 'x');
    expect(sentence).toMatch(/^[^.]*(\d\.\d[^.]*)*\.$/);
    expect(rule.annotations!['runbook_url']).toBe(
      `https://git.example.org/taskflow/blob/main/docs/runbook.md#${name.toLowerCase()}`,
    );
  });

  it('has a section of its name in the runbook, and every section there has its alert', () => {
    expect(
      sections()
        .map(([title]) => title)
        .sort(),
    ).toEqual(alerts.map(([name]) => name).sort());
  });

  it.each(sections())('%s: the runbook says what clients see, what to look at and what to do', (_title, text) => {
    expect(text).toMatch(/\*\*Clients\*\*\s/);
    expect(text).toMatch(/\*\*Look\s+at\*\*\s/);
    expect(text).toMatch(/\*\*[Dd]o\*\*\s/);
  });

  it('has a unit test that sees it fire, and one that sees it keep still', () => {
    const checks = unitTests().flatMap(({ tests }) => tests.flatMap((test) => test.alert_rule_test ?? []));
    const checked = (fires: boolean): string[] => {
      const names = checks
        .filter(({ exp_alerts }) => exp_alerts.length > 0 === fires)
        .map(({ alertname }) => alertname);
      return [...new Set(names)].sort();
    };
    const names = alerts.map(([name]) => name).sort();
    expect(checked(true)).toEqual(names);
    expect(checked(false)).toEqual(names);
  });
});

describe('promtool', () => {
  const isThere = spawnSync('promtool', ['--version']).status === 0;
  const files = (subfolder: string): string[] =>
    readdirSync(join(folder, subfolder)).map((file) => join(subfolder, file));

  it.each([
    ['accepts the configuration', ['check', 'config', '--syntax-only', 'prometheus.yml']],
    ['accepts the rules', ['check', 'rules', ...files('rules')]],
    ['sees every alert fire and keep still as its unit tests say', ['test', 'rules', ...files('tests')]],
  ])('%s', (title, args) => {
    if (!isThere) {
      // oxlint-disable-next-line no-console -- what was not checked must be seen
      console.warn(`There is no promtool here, so nobody checked that it ${title}: apt-get install prometheus`);
      return;
    }
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  });
});

/** Of the runbook's chapter on alerts: title and text. */
function sections(): [string, string][] {
  const chapter = runbook.split(/^## /m).find((text) => text.startsWith('Alerts\n'))!;
  return chapter
    .split(/^### /m)
    .slice(1)
    .map((text) => text.split('\n', 1).concat(text) as [string, string]);
}

interface UnitTests {
  readonly tests: { readonly alert_rule_test?: { readonly alertname: string; readonly exp_alerts: unknown[] }[] }[];
}

function unitTests(): UnitTests[] {
  return readdirSync(join(folder, 'tests')).map((file) => parse(read(join('tests', file))) as UnitTests);
}
