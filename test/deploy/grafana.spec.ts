import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asSent, dashboards, DEPLOY, knownMetrics, type Panel } from '../support/monitoring.js';
import { labelsOf, type MetricLabels } from '../support/promql.js';

const provisioned = (file: string) => parse(readFileSync(join(DEPLOY, 'grafana/provisioning', file), 'utf8'));

const boards = dashboards();
const panels = boards.flatMap((board) => board.panels.map((panel) => ({ board, panel })));
const charts = panels.filter(({ panel }) => panel.type !== 'row');
const queries = charts.flatMap(({ board, panel }) =>
  panel.targets!.map((target) => [`${board.title}: ${panel.title}, ${target.refId}`, target] as const),
);

let known: MetricLabels;
beforeAll(async () => {
  known = await knownMetrics();
});

describe('provisioning of Grafana', () => {
  const [datasource] = provisioned('datasources/prometheus.yml').datasources;
  const [provider] = provisioned('dashboards/taskflow.yml').providers;

  it('brings the datasource that every panel and every variable names', () => {
    expect(datasource).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true });
    const named = [
      ...charts.map(({ panel }) => panel.datasource!.uid),
      ...boards.flatMap(({ templating }) => templating.list.map((variable) => variable.datasource.uid)),
    ];
    expect([...new Set(named)]).toEqual([datasource.uid]);
  });

  it('knows how often Prometheus scrapes, so that a rate always has samples', () => {
    const { global } = parse(readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8'));
    expect(datasource.jsonData.timeInterval).toBe(global.scrape_interval);
  });

  it('takes the dashboards from the files, which nobody changes beside them', () => {
    expect(provider).toMatchObject({
      type: 'file',
      allowUiUpdates: false,
      options: { path: '/var/lib/grafana/dashboards' },
    });
    expect(boards.map(({ file }) => file).sort()).toEqual([
      'taskflow-overview.json',
      'taskflow-process.json',
      'taskflow-stores.json',
    ]);
  });
});

describe('Grafana in compose', () => {
  it('is given both folders where Grafana looks for them', () => {
    const { services } = parse(readFileSync(join(DEPLOY, '../docker-compose.yml'), 'utf8'), { merge: true });
    expect(services.grafana.volumes).toEqual(
      expect.arrayContaining([
        './deploy/grafana/provisioning:/etc/grafana/provisioning:ro',
        './deploy/grafana/dashboards:/var/lib/grafana/dashboards:ro',
      ]),
    );
    expect(services.grafana.networks).toEqual(services.prometheus.networks);
  });
});

describe('a dashboard', () => {
  it('has an address and a title of its own, and is found from the others', () => {
    for (const key of ['uid', 'title'] as const)
      expect(new Set(boards.map((board) => board[key])).size).toBe(boards.length);
    for (const board of boards) {
      expect(board.tags).toEqual(['taskflow']);
      expect(board.file).toBe(`${board.uid}.json`);
    }
  });

  it.each(boards)('$title: panels have a number of their own and do not cover each other', (board) => {
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    for (const panel of board.panels) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
      expect(
        board.panels.filter((other) => other !== panel && overlap(panel, other)).map(({ title }) => title),
      ).toEqual([]);
    }
  });

  it.each(boards)('$title: what can be chosen exists, and what is chosen has an effect', (board) => {
    const text = JSON.stringify(board.panels);
    const used = [...text.matchAll(/\$(?!__)(\w+)/g)].map(([, name]) => name!);
    const defined = board.templating.list.map(({ name }) => name);
    expect([...new Set(used)].sort()).toEqual([...defined].sort());
    for (const { query, name } of board.templating.list) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query)!;
      expect(label).toBe(name);
      expect([...labelsOf(asSent(series!), known)]).toContain(label);
    }
  });
});

describe('a panel', () => {
  it.each(charts.map(({ board, panel }) => [`${board.title}: ${panel.title}`, panel] as const))(
    '%s says in what it counts and what it means',
    (_name, panel) => {
      expect(['short', 's', 'bytes', 'percentunit', 'reqps', 'ops']).toContain(panel.fieldConfig!.defaults.unit);
      expect(panel.description).toMatch(/\.$/);
    },
  );

  it.each(queries)('%s asks for metrics and labels that exist, also in its legend', (_name, { expr, legendFormat }) => {
    const labels = labelsOf(asSent(expr), known);
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
    expect(shown.filter((label) => !labels.has(label))).toEqual([]);
  });

  it('shows everything that the program measures', () => {
    const asked = JSON.stringify([boards, readFileSync(join(DEPLOY, 'prometheus/rules/recording.yml'), 'utf8')]);
    const own = [...known.keys()].filter((name) => /^taskflow_\w+$/.test(name));
    const families = new Set(own.map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    expect([...families].filter((name) => !asked.includes(name))).toEqual([]);
  });
});

const overlap = ({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
