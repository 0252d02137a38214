import type { Usage } from './measure.ts';

/** A measured figure, with its aim and what was measured beside it in the same run. */
export interface Verdict {
  readonly what: string;
  readonly got: number;
  readonly unit: '×' | 'ms' | 's' | 'MB' | 'rows';
  readonly bound: 'at most' | 'at least';
  readonly aim: number;
  /** What was measured beside it, in words and figures. */
  readonly against: string;
}

/** One thing that ran, perhaps several times. */
export interface Measured {
  readonly name: string;
  /** The value of each run, e.g. rows a second, in the order of the runs. */
  readonly values: readonly number[];
  readonly unit: string;
  /** Of the last run. */
  readonly usage?: Usage;
  /** Set where nothing else is known of its usage. */
  readonly peakRssMb?: number;
}

export interface BenchmarkResult {
  readonly letter: string;
  readonly title: string;
  readonly verdicts: readonly Verdict[];
  readonly runs: readonly Measured[];
  readonly notes: readonly string[];
}

export const isMet = ({ got, aim, bound }: Verdict): boolean => (bound === 'at most' ? got <= aim : got >= aim);

/** The mean of the two middle values if their number is even. @throws RangeError for an empty list */
export const median = (values: readonly number[]): number => (quantile(values, 0.5) + quantile(values, 0.5, true)) / 2;

/** The value at this share of the sorted list. @throws RangeError for an empty list */
export function quantile(values: readonly number[], share: number, fromAbove = false): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  const value = sorted[fromAbove ? sorted.length - 1 - at : at];
  if (value === undefined) throw new RangeError('no values to take a quantile of');
  return value;
}

/** Three significant digits, without an exponent. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** The result for people to read. */
export function printResult(result: BenchmarkResult): string {
  const lines = [`(${result.letter}) ${result.title}`];
  for (const verdict of result.verdicts) {
    const { what, got, unit, bound, aim, against } = verdict;
    const symbol = bound === 'at most' ? '≤' : '≥';
    const word = isMet(verdict) ? 'met' : 'NOT MET';
    lines.push(`  ${what}: ${figure(got)} ${unit}, aim ${symbol} ${aim} ${unit}: ${word}; ${against}`);
  }
  for (const { name, values, unit, usage, peakRssMb } of result.runs) {
    const spread = values.length > 1 ? `, least ${figure(Math.min(...values))} of ${values.length} runs` : '';
    const peak = peakRssMb === undefined ? '' : `, peak RSS ${figure(peakRssMb)} MB`;
    const cost = usage === undefined ? '' : `; ${describe(usage)}`;
    lines.push(`    ${name}: ${figure(median(values))} ${unit}${spread}${peak}${cost}`);
  }
  for (const note of result.notes) lines.push(`    ${note}`);
  return `${lines.join('\n')}\n`;
}

function describe({ wallMs, node, source, analytics, peakRssMb }: Usage): string {
  const nodePart = node === null ? '' : `CPU of Node ${figure(node)} s, `;
  const peak = peakRssMb === null ? '' : `, peak RSS ${figure(peakRssMb)} MB`;
  return `${figure(wallMs / 1000)} s; ${nodePart}of Postgres ${figure(source)} s (source) + ${figure(analytics)} s (analytics)${peak}`;
}
