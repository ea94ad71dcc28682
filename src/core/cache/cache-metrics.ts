import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import type { CacheEntry } from './cached.js';

export type CacheResult = 'hit' | 'stale' | 'miss' | 'bypass';

/** How cached reads were answered. On the path of every one of them: it is put into labels when somebody scrapes. */
@Injectable()
export class CacheMetrics {
  private readonly reads = new Map<string, Record<CacheResult, number>>();

  constructor(metrics: Metrics) {
    metrics.counter('taskflow_cache_reads_total', 'Cached reads by result', ['entry', 'result'], (counter) => {
      counter.reset();
      for (const [entry, counts] of this.reads) {
        for (const [result, count] of Object.entries(counts)) if (count > 0) counter.inc({ entry, result }, count);
      }
    });
  }

  count({ name }: CacheEntry, result: CacheResult): void {
    const kind = kindOf(name);
    let counts = this.reads.get(kind);
    if (!counts) this.reads.set(kind, (counts = { hit: 0, stale: 0, miss: 0, bypass: 0 }));
    counts[result]++;
  }
}

/** What comes before the part that a client chooses. */
function kindOf(name: string): string {
  const end = name.indexOf(':');
  return end < 0 ? name : name.slice(0, end);
}
