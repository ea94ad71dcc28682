import type { TestApp } from './app.js';

/** What a process exposes. */
export interface Scrape {
  /** Names as they are declared: a histogram is one, without `_bucket`, `_sum` and `_count`. */
  readonly types: ReadonlyMap<string, string>;
  /** Names of labels by name of the metric. `le` is of every histogram. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
  /** The sum of all samples with these labels; 0 when there is none. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number;
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** `GET /metrics`, read. */
export async function scrape({ http }: Pick<TestApp, 'http'>): Promise<Scrape> {
  const { text } = await http.get('/metrics').expect(200);
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]));
  const samples = text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = SAMPLE.exec(line)!;
      return {
        name: name!,
        labels: new Map([...labels.matchAll(LABEL)].map(([, k, v]) => [k!, v!])),
        value: Number(value),
      };
    });
  const declared = (name: string): string => (types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''));
  const labels = new Map<string, Set<string>>();
  for (const sample of samples) {
    const names = labels.get(declared(sample.name)) ?? new Set();
    labels.set(declared(sample.name), names);
    for (const name of sample.labels.keys()) names.add(name);
  }
  return {
    types,
    labels,
    value: (name, wanted = {}) =>
      samples
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(wanted).every(([key, value]) => sample.labels.get(key) === value))
        .reduce((sum, sample) => sum + sample.value, 0),
  };
}
