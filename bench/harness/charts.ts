import type { Row } from './result.js';

export function drawCharts(_rows: readonly Row[]): Record<string, string> {
  return {};
}
