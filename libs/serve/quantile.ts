import { roundRatio } from '#libs/domain/rational.ts';

/** Percentages at which the quantiles of a course are served. */
export const QUANTILES = [10, 25, 50, 75, 90] as const;

/**
 * The quantile at (n−1)p, interpolated between the two neighbouring values, to 2 decimals. Exact except for that one
 * rounding, half away from zero: with binary fractions (n−1)·0.1 misses whole positions, and halves are rounded by chance.
 * @param hundredths sorted, at least one
 * @param percent p, 0 to 100
 */
export function quantileOf(hundredths: readonly number[], percent: number): number {
  const position = (hundredths.length - 1) * percent;
  const share = position % 100;
  const below = hundredths[(position - share) / 100];
  if (below === undefined) throw new RangeError('there is no quantile of no values');
  const above = hundredths[(position - share) / 100 + 1] ?? below;
  return Number(roundRatio(BigInt(below * (100 - share) + above * share), 10_000n, 2));
}

/**
 * The mean to 2 decimals, rounded once, half away from zero.
 * @param hundredths at least one
 */
export function meanOf(hundredths: readonly number[]): number {
  const sum = hundredths.reduce((total, value) => total + value, 0);
  return Number(roundRatio(BigInt(sum), 100n * BigInt(hundredths.length), 2));
}

/** The same; null if no value is known. */
export const meanIfAny = (hundredths: readonly number[]): number | null =>
  hundredths.length === 0 ? null : meanOf(hundredths);
