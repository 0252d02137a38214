import { roundRatio } from '#libs/domain/rational.ts';
import { type Control, hasBaseline, sigmaRadicand, spreadOf } from './control.ts';
import { type FlagFinding, severityBy } from './flags.ts';
import { compareWithRoot, roundWithRoot } from './root.ts';

/**
 * engagement_shift: the tabular CUSUM with k = σ/2 and h = 5σ (D. Montgomery, "Introduction to Statistical Quality Control";
 * NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3), written as the largest sum of the last m deviations of the
 * chart, less m·σ/2: the sum that is set back to 0 whenever it falls below is the same.
 */
const HALVES_OF_SIGMA = 10;

/** Whether S > 5σ in either direction. */
export function isShifted({ baseline, chart }: Control): boolean {
  const { days: n, sum } = baseline;
  const spread = spreadOf(baseline);
  if (spread === 0 || !hasBaseline(baseline)) return false;
  // With d = n·Σ(x − μ), an integer, and n²σ² = spread·n/(n − 1): 2·|d| > (m + 10)·nσ, squared. With 28 days at most,
  // |d| ≤ 28·28·10,000 and the left side is at most 6.7·10^15 < 2^53; the right side stays below 8·10^14.
  let deviation = 0;
  for (let m = 1; m <= chart.length; m += 1) {
    deviation += n * (chart[chart.length - m] ?? 0) - sum;
    if (4 * deviation * deviation * (n - 1) > (m + HALVES_OF_SIGMA) ** 2 * spread * n) return true;
  }
  return false;
}

/** S, μ and 5σ in points, 6 decimals; S and its direction are of the larger side, up if both are equal. */
export function shiftFinding(control: Control): FlagFinding | null {
  if (!isShifted(control)) return null;
  const { baseline } = control;
  const n = BigInt(baseline.days);
  const radicand = sigmaRadicand(baseline);
  const [up, down] = [largestSum(control, 1n), largestSum(control, -1n)];
  const isUp = compareSums(up, down, n, radicand) >= 0;
  const { deviation, m } = isUp ? up : down;
  return {
    // (2·d·(n − 1) − m·√radicand) / (2n·(n − 1)), hundredths.
    value: Number(roundWithRoot(2n * deviation * (n - 1n), -m, radicand, 200n * n * (n - 1n), 6)),
    baseline: Number(roundRatio(BigInt(baseline.sum), 100n * n, 6)),
    threshold: Number(roundWithRoot(0n, 5n, radicand, 100n * n * (n - 1n), 6)),
    method: 'cusum',
    // S ≥ halves/2·5σ is 2·d ≥ (m + 5·halves)·nσ.
    severity: severityBy((halves) => compareWithRoot(2n * deviation * (n - 1n), m + 5n * halves, radicand) >= 0),
    direction: isUp ? 'up' : 'down',
  };
}

/** d = ±n·Σ(x − μ) over the last m days of the chart. */
interface Sum {
  readonly deviation: bigint;
  readonly m: bigint;
}

/** That of the m for which S is largest. */
function largestSum({ baseline, chart }: Control, sign: bigint): Sum {
  const n = BigInt(baseline.days);
  const radicand = sigmaRadicand(baseline);
  let largest: Sum | null = null;
  let deviation = 0n;
  let m = 0n;
  for (const score of chart.toReversed()) {
    deviation += sign * (n * BigInt(score) - BigInt(baseline.sum));
    m += 1n;
    if (largest === null || compareSums({ deviation, m }, largest, n, radicand) > 0) largest = { deviation, m };
  }
  // Of no days, the sum is that of nothing.
  return largest ?? { deviation, m };
}

/** The sign of S(a) − S(b), where S = d/n − m·σ/2. */
const compareSums = (a: Sum, b: Sum, n: bigint, radicand: bigint): number =>
  compareWithRoot(2n * (a.deviation - b.deviation) * (n - 1n), a.m - b.m, radicand);
