import { SETTING_DECIMALS } from '#libs/domain/components.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import { type FlagFinding, severityBy } from './flags.ts';
import { bigMedianTimes2, medianTimes2, sortBig } from './sorted.ts';

/**
 * Modified z-score, after B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", 1993: a value lies apart when
 * it is a certain number of σ away from the median, where σ is the median absolute deviation (MAD) / 0.6745 or, if more than
 * half of the values are equal and the MAD is 0, 1.253314 × the mean absolute deviation from the median.
 */
const MAD_PER_SIGMA = 6_745n;
const MAD_SCALE = 10_000n;
const SIGMA_PER_MEAN_DEVIATION = 1_253_314n;
const MEAN_DEVIATION_SCALE = 1_000_000n;
const THRESHOLD_SCALE = 10n ** BigInt(SETTING_DECIMALS);

/** However steady a student was, a smaller distance is not unusual. */
export const LEAST_POINTS = 10;

/** A quotient of integers; the denominator is above 0. */
interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** A value that lies apart from others. */
export interface Outlier {
  readonly side: 'drop' | 'spike';
  readonly value: bigint;
  readonly medianTimes2: bigint;
  /** The distance from the median at which a value lies apart. */
  readonly limit: Ratio;
}

/** The distribution of the other values, as integers. */
export interface Others {
  readonly count: bigint;
  readonly medianTimes2: bigint;
  readonly madTimes4: bigint;
  /** Σ|x − median|. */
  readonly deviationTimes2: bigint;
}

/** @param sorted ascending, at least one */
export function othersOf(sorted: readonly bigint[]): Others {
  const medianTimes2 = bigMedianTimes2(sorted);
  const deviationsTimes2 = sortBig(sorted.map((value) => absolute(2n * value - medianTimes2)));
  return {
    count: BigInt(sorted.length),
    medianTimes2,
    madTimes4: bigMedianTimes2(deviationsTimes2),
    deviationTimes2: deviationsTimes2.reduce((sum, deviation) => sum + deviation, 0n),
  };
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** The same for integers so small that four times their sum is below 2^53: many times as fast. */
export function othersOfSmall(sorted: readonly number[]): Others {
  const middleTimes2 = medianTimes2(sorted);
  const deviationsTimes2: number[] = [];
  let sum = 0;
  // From the middle outwards, taking the nearer of both sides first, which gives ascending order.
  let low = (sorted.length - 1) >> 1;
  let high = low + 1;
  while (deviationsTimes2.length < sorted.length) {
    const below = low >= 0 ? middleTimes2 - 2 * (sorted[low] ?? 0) : Number.POSITIVE_INFINITY;
    const above = high < sorted.length ? 2 * (sorted[high] ?? 0) - middleTimes2 : Number.POSITIVE_INFINITY;
    if (below <= above) low -= 1;
    else high += 1;
    const nearer = Math.min(below, above);
    deviationsTimes2.push(nearer);
    sum += nearer;
  }
  return {
    count: BigInt(sorted.length),
    medianTimes2: BigInt(middleTimes2),
    madTimes4: BigInt(medianTimes2(deviationsTimes2)),
    deviationTimes2: BigInt(sum),
  };
}

/**
 * The value if it lies apart from the others: |x − median| ≥ max(threshold·σ, 10 points).
 * @param unit one point, in the unit of the values
 * @param threshold times 10^SETTING_DECIMALS
 */
export function outlierAmong(others: Others, value: bigint, unit: bigint, threshold: bigint): Outlier | null {
  const difference = 2n * value - others.medianTimes2;
  const distanceTimes2 = absolute(difference);
  const limit = limitOf(others, unit, threshold);
  if (distanceTimes2 * limit.denominator < 2n * limit.numerator) return null;
  return { side: difference < 0n ? 'drop' : 'spike', value, medianTimes2: others.medianTimes2, limit };
}

/** max(threshold·σ, 10 points), in the unit of the values; the parameters are those of {@link outlierAmong}. */
export function limitOf(others: Others, unit: bigint, threshold: bigint): Ratio {
  const leastPoints: Ratio = { numerator: BigInt(LEAST_POINTS) * unit, denominator: 1n };
  const sigmas = sigmasOf(others, threshold);
  return sigmas.numerator > leastPoints.numerator * sigmas.denominator ? sigmas : leastPoints;
}

/** threshold·σ. */
function sigmasOf({ count, madTimes4, deviationTimes2 }: Others, threshold: bigint): Ratio {
  if (madTimes4 > 0n) {
    return {
      numerator: threshold * madTimes4 * MAD_SCALE,
      denominator: 4n * MAD_PER_SIGMA * THRESHOLD_SCALE,
    };
  }
  return {
    numerator: threshold * deviationTimes2 * SIGMA_PER_MEAN_DEVIATION,
    denominator: 2n * count * MEAN_DEVIATION_SCALE * THRESHOLD_SCALE,
  };
}

/**
 * The outlier as it is shown: value, median, and median ∓ limit, in points with 2 decimals.
 * @param item the item whose value it is; absent: the value is a day's
 */
export function outlierFinding(
  { side, value, medianTimes2, limit }: Outlier,
  unit: bigint,
  item?: string,
): FlagFinding {
  const sign = side === 'drop' ? -1n : 1n;
  const distanceTimes2 = sign * (2n * value - medianTimes2);
  return {
    value: Number(roundRatio(value, unit, 2)),
    baseline: Number(roundRatio(medianTimes2, 2n * unit, 2)),
    threshold: Number(
      roundRatio(medianTimes2 * limit.denominator + sign * 2n * limit.numerator, 2n * limit.denominator * unit, 2),
    ),
    method: 'modified_z',
    severity: severityBy((halves) => distanceTimes2 * limit.denominator >= halves * limit.numerator),
    ...(item === undefined ? {} : { item }),
  };
}
