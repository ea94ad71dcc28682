import { Registry, type Metric } from 'prom-client';
import { Durations } from './durations.js';

async function scrape(durations: Durations): Promise<string[]> {
  const registry = new Registry();
  registry.registerMetric(durations as unknown as Metric);
  return (await registry.metrics()).trim().split('\n');
}

describe('durations', () => {
  it('are read as a histogram: each bucket has what is at most as long, the last one everything', async () => {
    const durations = new Durations('call_seconds', 'Calls', ['script', 'node'], [0.1, 0.5]);
    for (const seconds of [0.05, 0.1, 0.25, 3]) durations.series('enter', 'a').observe(seconds);
    expect(await scrape(durations)).toEqual([
      '# HELP call_seconds Calls',
      '# TYPE call_seconds histogram',
      'call_seconds_bucket{le="0.1",script="enter",node="a"} 2',
      'call_seconds_bucket{le="0.5",script="enter",node="a"} 3',
      'call_seconds_bucket{le="+Inf",script="enter",node="a"} 4',
      'call_seconds_sum{script="enter",node="a"} 3.4',
      'call_seconds_count{script="enter",node="a"} 4',
    ]);
  });

  it('are counted apart for labels that differ, and together for equal ones', async () => {
    const durations = new Durations('call_seconds', 'Calls', ['script', 'node'], [1]);
    durations.series('enter', 'a').observe(0);
    durations.series('enter', 'b').observe(0);
    durations.series('enter', 'a').observe(0);
    const counts = (await scrape(durations)).filter((line) => line.startsWith('call_seconds_count'));
    expect(counts).toEqual([
      'call_seconds_count{script="enter",node="a"} 2',
      'call_seconds_count{script="enter",node="b"} 1',
    ]);
  });
});
