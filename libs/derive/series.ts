import { formatScaled, roundToScaled } from '#libs/domain/rational.ts';

/** Decimals of scores and means, and of trends, in series: the integers are the stored, rounded values. */
export const SCORE_DECIMALS = 2;
export const TREND_DECIMALS = 6;
const SCORE_SCALE = 10 ** SCORE_DECIMALS;

/** Fewest values that make a trend. */
const LEAST_FOR_TREND = 7;

/** For each day the mean of the values of the `width` days ending on it, rounded half away from zero; null of nothing. */
export function movingMean(values: readonly (number | null)[], width: number): (number | null)[] {
  const means: (number | null)[] = [];
  let sum = 0;
  let count = 0;
  values.forEach((value, index) => {
    if (value !== null) {
      sum += value;
      count += 1;
    }
    const leaving = values[index - width] ?? null;
    if (leaving !== null) {
      sum -= leaving;
      count -= 1;
    }
    means.push(count === 0 ? null : roundHalfAway(sum, count));
  });
  return means;
}

/**
 * For each day the least-squares slope of the values of the `width` days ending on it, in value units a day, scaled to
 * TREND_DECIMALS; null under seven values.
 */
export function movingTrend(values: readonly (number | null)[], width: number): (number | null)[] {
  return values.map((_, end) => {
    let [n, sumX, sumXX, sumY, sumXY] = [0, 0, 0, 0, 0];
    for (let index = Math.max(0, end - width + 1); index <= end; index += 1) {
      const y = values[index] ?? null;
      if (y === null) continue;
      // Days counted back from the end keep the sums small, and shifting x changes no slope.
      const x = index - end;
      n += 1;
      sumX += x;
      sumXX += x * x;
      sumY += y;
      sumXY += x * y;
    }
    if (n < LEAST_FOR_TREND) return null;
    return Number(
      roundToScaled(
        BigInt(n * sumXY - sumX * sumY),
        BigInt(n * sumXX - sumX * sumX) * BigInt(SCORE_SCALE),
        TREND_DECIMALS,
      ),
    );
  });
}

/** The quotient of two integers, rounded half away from zero. @param divisor above 0 */
function roundHalfAway(dividend: number, divisor: number): number {
  const rounded = Math.floor((2 * Math.abs(dividend) + divisor) / (2 * divisor));
  return dividend < 0 ? -rounded : rounded;
}

const scaledText = (value: number | null, decimals: number): string | null =>
  value === null ? null : formatScaled(BigInt(value), decimals);

export const scoreText = (value: number | null): string | null => scaledText(value, SCORE_DECIMALS);
export const trendText = (value: number | null): string | null => scaledText(value, TREND_DECIMALS);
