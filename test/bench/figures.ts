import { expect } from 'vitest';
import type { BenchmarkResult } from './report.ts';

/** Every run has its figures. Of a time this process may hear the end before the beginning: the answer to a COMMIT comes last. */
export function expectFigures({ runs }: BenchmarkResult, text: string): void {
  for (const { values, unit } of runs) {
    for (const value of values) expect(value, text).toBeGreaterThan(unit === 'ms' ? Number.NEGATIVE_INFINITY : 0);
  }
}
