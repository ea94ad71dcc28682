import { Injectable } from '@nestjs/common';
import { statfsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics } from 'prom-client';
import { AppConfig } from '../../config/config.js';
import { Metrics } from './metrics.js';

/** What runs here, and how much of CPU, memory and disk it has left. */
@Injectable()
export class ProcessMetrics {
  constructor(metrics: Metrics, config: AppConfig) {
    // They watch the event loop and the garbage collector all the time.
    if (config.metrics) collectDefaultMetrics({ register: metrics.registry });
    const { version, commit = '' } = config.release;
    const modules = config.modules.join(',');
    metrics
      .gauge('taskflow_build_info', 'What runs here; always 1', ['version', 'commit', 'modules', 'mode'])
      .set({ version, commit, modules, mode: config.mode }, 1);
    // A counter, so that several scrapers see the same: its rate is the utilisation of the event loop.
    metrics.counter(
      'taskflow_event_loop_active_seconds_total',
      'Time in which the event loop was busy',
      [],
      (counter) => {
        counter.reset();
        counter.inc(performance.eventLoopUtilization().active / 1000);
      },
    );
    metrics.measured(
      'taskflow_heap_limit_bytes',
      'What the heap may grow to',
      () => getHeapStatistics().heap_size_limit,
    );
    if (config.mode === 'embedded') {
      metrics.measured('taskflow_embedded_disk_free_bytes', 'Room where DATA_DIR is', () => freeBytes(config.dataDir));
    }
  }
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
