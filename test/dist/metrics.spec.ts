import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';
import { scrape, type Scrape } from '../support/scrape.js';

/** The rows of docs/metrics.md: name, type, labels. */
const rows = [
  ...readFileSync(join(__dirname, '../../docs/metrics.md'), 'utf8').matchAll(
    /^\| `(taskflow_\w+)` +\| (\w+) +\| ([\w, ]*?) *\|/gm,
  ),
].map(([, name, type, labels]) => ({ name: name!, type: type!, labels: labels!.split(', ').filter(Boolean) }));

describe('docs/metrics.md', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let process: TaskFlowProcess;
  let exposed: Scrape;
  beforeAll(async () => {
    requireCurrentDist();
    directory = await temporaryDirectory();
    // Nobody is there: the metrics of Redis are, and its failures.
    process = await startProcess({ DATA_DIR: directory.path, REDIS_URL: 'redis://127.0.0.1:1' });
    await process.http.get('/api/health');
    exposed = await scrape(process);
  });
  afterAll(async () => {
    await process.end('SIGKILL');
    await directory.remove();
  });
  const ours = (): string[] => [...exposed.types.keys()].filter((name) => name.startsWith('taskflow_'));

  it('lists every metric of ours with its type, and no other', () => {
    expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual(
      Object.fromEntries(ours().map((name) => [name, exposed.types.get(name)])),
    );
    expect(rows.map(({ name }) => name)).toHaveLength(ours().length);
  });

  it('lists the labels of each', () => {
    const listed = new Map(rows.map(({ name, labels }) => [name, new Set(labels)]));
    for (const name of ours()) {
      // A counter that has counted nothing has no sample yet, and so no labels.
      const found = [...(exposed.labels.get(name) ?? [])].filter((label) => label !== 'le');
      if (found.length > 0) expect([name, listed.get(name)]).toEqual([name, new Set(found)]);
    }
    expect(exposed.labels.get('taskflow_http_request_duration_seconds')).toContain('route');
  });

  it('keeps to the conventions: base units, and _total for what only grows', () => {
    for (const { name, type } of rows) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(ms|milliseconds|percent|kb|mb|megabytes)(_|$)/);
    }
  });

  it('covers what the process exposes beside that: the defaults of prom-client', () => {
    const others = [...exposed.types.keys()].filter((name) => !name.startsWith('taskflow_'));
    expect(others.filter((name) => !/^(process|nodejs)_/.test(name))).toEqual([]);
    expect(others).toContain('nodejs_gc_duration_seconds');
    expect(others).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
