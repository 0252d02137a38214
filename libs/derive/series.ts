import { formatScaled } from '#libs/domain/rational.ts';

/** Decimals of scores and means, and of trends: series contain the stored, rounded values as integers. */
export const SCORE_DECIMALS = 2;
const TREND_DECIMALS = 6;
const SCORE_SCALE = 10 ** SCORE_DECIMALS;
const TREND_SCALE = 10 ** TREND_DECIMALS;

/** The fewest values that make a trend. */
const LEAST_FOR_TREND = 7;

/** For each day the mean of the values of the `width` days ending on it, rounded half away from zero; null without values. */
export function movingMean(values: readonly (number | null)[], width: number): (number | null)[] {
  const means: (number | null)[] = [];
  let sum = 0;
  let count = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null;
    if (value !== null) {
      sum += value;
      count += 1;
    }
    const leaving = index < width ? null : (values[index - width] ?? null);
    if (leaving !== null) {
      sum -= leaving;
      count -= 1;
    }
    means.push(count === 0 ? null : roundHalfAway(sum, count));
  }
  return means;
}

/**
 * For each day the least-squares slope of the values of the `width` days ending on it, in value units a day, scaled to
 * TREND_DECIMALS; null with fewer than seven values. For scores over 30 days every sum is far below 2^53, so it is exact.
 */
export function movingTrend(values: readonly (number | null)[], width: number): (number | null)[] {
  // x counts days back from the end of the window, which keeps the sums small; shifting x changes no slope.
  let [n, sumX, sumXX, sumY, sumXY] = [0, 0, 0, 0, 0];
  return values.map((value, end) => {
    // One day later, every x is one less.
    sumXX += n - 2 * sumX;
    sumX -= n;
    sumXY -= sumY;
    const leaving = end < width ? null : (values[end - width] ?? null);
    if (leaving !== null) {
      n -= 1;
      sumX += width;
      sumXX -= width * width;
      sumY -= leaving;
      sumXY += width * leaving;
    }
    if (value !== null) {
      n += 1;
      sumY += value;
    }
    if (n < LEAST_FOR_TREND) return null;
    return roundHalfAway((n * sumXY - sumX * sumY) * TREND_SCALE, (n * sumXX - sumX * sumX) * SCORE_SCALE);
  });
}

/**
 * The quotient of two integers, rounded half away from zero. Exact while twice the dividend is below 2^53, because the
 * double nearest to such a quotient lies on the same side of every whole number.
 * @param divisor above 0
 */
function roundHalfAway(dividend: number, divisor: number): number {
  const rounded = Math.floor((2 * Math.abs(dividend) + divisor) / (2 * divisor));
  // Never -0, which prints like 0 but is not the same value.
  return dividend < 0 && rounded > 0 ? -rounded : rounded;
}

const scaledText = (value: number | null, decimals: number): string | null =>
  value === null ? null : formatScaled(BigInt(value), decimals);

export const scoreText = (value: number | null): string | null => scaledText(value, SCORE_DECIMALS);
export const trendText = (value: number | null): string | null => scaledText(value, TREND_DECIMALS);
