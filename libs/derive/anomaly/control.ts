/**
 * What the two control charts, cusum and ewma, share: the level and spread of a student's daily scores over the 28 days
 * before the last 28, and the scores of the last 28 that are held against them. Scored days alone count.
 */
const CHART_DAYS = 28;
const BASELINE_DAYS = 28;
const LEAST_DAYS = 14;
const LEAST_ACTIVE_DAYS = 4;

/** Sums over the baseline's scored days; scores in hundredths, 0 to 10,000. */
export interface Baseline {
  readonly days: number;
  readonly sum: number;
  readonly squares: number;
  /** With a score above 0. */
  readonly activeDays: number;
}

/** What is known on a day. */
export interface Control {
  readonly baseline: Baseline;
  /** Scores of the chart's scored days, oldest first; hundredths. */
  readonly chart: readonly number[];
}

/** The scored days of a series, with running sums, so that the sums of any window are a subtraction. */
export interface ScoredDays {
  readonly values: readonly number[];
  /** For each day, and the one after the last, how many scored days lie before it. */
  readonly before: readonly number[];
  /** Over the first n scored days. Squares of ten years stay below 4·10^11, so numbers are exact. */
  readonly sums: readonly number[];
  readonly squares: readonly number[];
  readonly activeDays: readonly number[];
}

export function scoredDays(score: readonly (number | null)[]): ScoredDays {
  const values = score.filter((value) => value !== null);
  return {
    values,
    before: runningSums(score, (value) => (value === null ? 0 : 1)),
    sums: runningSums(values, (value) => value),
    squares: runningSums(values, (value) => value * value),
    activeDays: runningSums(values, (value) => (value > 0 ? 1 : 0)),
  };
}

/** Of the first 0, 1, 2, … values. */
function runningSums<T>(values: readonly T[], amountOf: (value: T) => number): number[] {
  const sums = [0];
  let sum = 0;
  for (const value of values) {
    sum += amountOf(value);
    sums.push(sum);
  }
  return sums;
}

/** @param index of the day, from the first of the series; below 0 there is nothing */
export function controlAt({ values, before, sums, squares, activeDays }: ScoredDays, index: number): Control {
  const from = countBefore(before, index - CHART_DAYS - BASELINE_DAYS + 1);
  const to = countBefore(before, index - CHART_DAYS + 1);
  return {
    baseline: {
      days: to - from,
      sum: between(sums, from, to),
      squares: between(squares, from, to),
      activeDays: between(activeDays, from, to),
    },
    chart: values.slice(to, countBefore(before, index + 1)),
  };
}

/** A series may end before the day: what it does not have is not scored. */
const countBefore = (before: readonly number[], index: number): number =>
  before[Math.max(0, Math.min(index, before.length - 1))] ?? 0;

const between = (running: readonly number[], from: number, to: number): number =>
  (running[to] ?? 0) - (running[from] ?? 0);

export const hasBaseline = ({ days, activeDays }: Baseline): boolean =>
  days >= LEAST_DAYS && activeDays >= LEAST_ACTIVE_DAYS;

/**
 * n·Σ(x − μ)², an integer: 0 where all scores are equal. With n ≤ 28 scores of at most 10,000 it is at most
 * n²·10,000²/4 < 2·10^10, and its parts are below 10^11.
 */
export const spreadOf = ({ days, sum, squares }: Baseline): number => days * squares - sum * sum;

/** The sample's σ is √radicand / (n·(n − 1)), in hundredths; the radicand is an integer. */
export function sigmaRadicand(baseline: Baseline): bigint {
  const n = BigInt(baseline.days);
  return BigInt(spreadOf(baseline)) * n * (n - 1n);
}
