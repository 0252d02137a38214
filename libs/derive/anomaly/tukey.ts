import { roundRatio } from '#libs/domain/rational.ts';
import { type FlagFinding, severityBy } from './flags.ts';
import { LEAST_POINTS } from './modified-z.ts';
import { sortBig } from './sorted.ts';

/**
 * Fences after J. Tukey, "Exploratory Data Analysis", 1977: a value lies apart when it is more than 1.5 interquartile
 * ranges, and more than 10 points, outside the quartiles. Quartiles are at (n − 1)·p, interpolated.
 */
export interface Beyond<T> {
  readonly item: T;
  readonly value: bigint;
  readonly isLow: boolean;
  readonly quartileTimes4: bigint;
  /** From quartile to fence, the same on both sides. */
  readonly marginTimes8: bigint;
}

/** A quartile times 4. @param quarters 1 or 3 */
export function quartileTimes4(sorted: readonly bigint[], quarters: number): bigint {
  const position = (sorted.length - 1) * quarters;
  const share = BigInt(position % 4);
  const below = sorted[Math.floor(position / 4)] ?? 0n;
  const above = sorted[Math.floor(position / 4) + 1] ?? below;
  return below * (4n - share) + above * share;
}

/**
 * The items whose value is strictly beyond a fence, in the order given.
 * @param values of the items, in their order
 * @param unit one point, in the unit of the values
 */
export function beyondFences<T>(items: readonly T[], values: readonly bigint[], unit: bigint): Beyond<T>[] {
  const sorted = sortBig(values);
  const [low, high] = [quartileTimes4(sorted, 1), quartileTimes4(sorted, 3)];
  const range = 3n * (high - low);
  const least = 8n * BigInt(LEAST_POINTS) * unit;
  const marginTimes8 = range > least ? range : least;
  return items.flatMap((item, index) => {
    const value = values[index] ?? 0n;
    const isLow = 8n * value < 2n * low - marginTimes8;
    const isHigh = 8n * value > 2n * high + marginTimes8;
    return isLow || isHigh ? [{ item, value, isLow, quartileTimes4: isLow ? low : high, marginTimes8 }] : [];
  });
}

const distanceTimes8 = ({ value, quartileTimes4, isLow }: Beyond<unknown>): bigint =>
  isLow ? 2n * quartileTimes4 - 8n * value : 8n * value - 2n * quartileTimes4;

/** The one furthest from its quartile, and so from its fence; the last of equals. All from one set of values; null if empty. */
export const farthest = <T>(all: readonly Beyond<T>[]): Beyond<T> | null =>
  all.reduce<Beyond<T> | null>(
    (most, next) => (most === null || distanceTimes8(next) >= distanceTimes8(most) ? next : most),
    null,
  );

/** The value, its quartile and its fence, in points with 2 decimals. */
export function fenceFinding(beyond: Beyond<unknown>, unit: bigint, item: string): FlagFinding {
  const { value, quartileTimes4, marginTimes8, isLow } = beyond;
  const fenceTimes8 = 2n * quartileTimes4 + (isLow ? -marginTimes8 : marginTimes8);
  return {
    value: Number(roundRatio(value, unit, 2)),
    baseline: Number(roundRatio(quartileTimes4, 4n * unit, 2)),
    threshold: Number(roundRatio(fenceTimes8, 8n * unit, 2)),
    method: 'tukey',
    severity: severityBy((halves) => 2n * distanceTimes8(beyond) >= halves * marginTimes8),
    item,
  };
}
