import { roundRatio } from '#libs/domain/rational.ts';
import { type Control, hasBaseline, sigmaRadicand, spreadOf } from './control.ts';
import { type FlagFinding, severityBy } from './flags.ts';
import { compareWithRoot, roundWithRoot } from './root.ts';

/**
 * sustained_low: an exponentially weighted moving average, begun at μ, stays below its limit, with λ = 0.05 and L = 2.615
 * (J. Lucas and M. Saccucci, "Exponentially Weighted Moving Average Control Schemes", Technometrics 32, 1990). The limit
 * is L·σ·√(λ/(2 − λ)), and λ/(2 − λ) = 1/39.
 */
const LOW_DAYS = 3;
const PARTS = 20;
const LIMIT = 2.615;
const LIMIT_NUMERATOR = 523n;
const LIMIT_DENOMINATOR = 200n;
const ROOT_OF = 39;

/** Whether μ − z > limit on each of the last three days of the chart. */
export function isSustainedLow(control: Control): boolean {
  const { baseline, chart } = control;
  const { days: n, sum } = baseline;
  const spread = spreadOf(baseline);
  if (spread === 0 || chart.length < LOW_DAYS || !hasBaseline(baseline)) return false;
  const limit = LIMIT * Math.sqrt((spread * n) / (n - 1) / ROOT_OF);
  let below = 0;
  for (let index = 0; index < chart.length; index += 1) {
    below = (sum - n * (chart[index] ?? 0) + (PARTS - 1) * below) / PARTS;
    if (index < chart.length - LOW_DAYS) continue;
    // n·(μ − z) and n·limit are below 3·10^5, and 28 steps in doubles err by less than 10^-8: what is near the limit is
    // decided by integers.
    if (Math.abs(below - limit) < 1e-6) return isLowExactly(control);
    if (below < limit) return false;
  }
  return true;
}

const isLowExactly = (control: Control): boolean =>
  levelsOf(control)
    .slice(-LOW_DAYS)
    .every((level) => isBelow(level, control, 2n, false));

/** n·(μ − z) as below / scale, integers. */
interface Level {
  readonly below: bigint;
  readonly scale: bigint;
}

/** After each day of the chart. */
function levelsOf({ baseline, chart }: Control): Level[] {
  let below = 0n;
  let scale = 1n;
  return chart.map((score) => {
    const deviation = BigInt(baseline.sum - baseline.days * score);
    below = deviation * scale + BigInt(PARTS - 1) * below;
    scale *= BigInt(PARTS);
    return { below, scale };
  });
}

/** Whether μ − z is above, or if `orAt` not below, so many halves of the limit. */
function isBelow({ below, scale }: Level, { baseline }: Control, halves: bigint, orAt: boolean): boolean {
  const n = BigInt(baseline.days);
  // n·limit = L·√(radicand / 39) / (n − 1) = L·√(39·radicand) / (39·(n − 1)).
  const sign = compareWithRoot(
    2n * below * LIMIT_DENOMINATOR * BigInt(ROOT_OF) * (n - 1n),
    halves * LIMIT_NUMERATOR * scale,
    BigInt(ROOT_OF) * sigmaRadicand(baseline),
  );
  return orAt ? sign >= 0 : sign > 0;
}

/** z of the last day, μ, and μ − limit in points, 6 decimals. */
export function sustainedLowFinding(control: Control): FlagFinding | null {
  const level = levelsOf(control).at(-1);
  if (level === undefined || !isSustainedLow(control)) return null;
  const { baseline } = control;
  const n = BigInt(baseline.days);
  const sum = BigInt(baseline.sum);
  const share = LIMIT_DENOMINATOR * BigInt(ROOT_OF);
  return {
    value: Number(roundRatio(sum * level.scale - level.below, 100n * n * level.scale, 6)),
    baseline: Number(roundRatio(sum, 100n * n, 6)),
    threshold: Number(
      roundWithRoot(
        sum * share * (n - 1n),
        -LIMIT_NUMERATOR,
        BigInt(ROOT_OF) * sigmaRadicand(baseline),
        100n * share * n * (n - 1n),
        6,
      ),
    ),
    method: 'ewma',
    severity: severityBy((halves) => isBelow(level, control, halves, true)),
  };
}
