import { expect } from 'vitest';
import type { BenchmarkResult } from './report.ts';

/** Every run has its figures. A duration can be negative here: the answer to the COMMIT may arrive after the change was seen. */
export function expectFigures({ runs }: BenchmarkResult, text: string): void {
  for (const { values, unit } of runs) {
    for (const value of values) expect(value, text).toBeGreaterThan(unit === 'ms' ? Number.NEGATIVE_INFINITY : 0);
  }
}
